"""What stands outside, as processes of the embedded stack, with faults and an honest record."""
