"""One picture of both halves: what happened, what should have, what is wrong, and what runs now."""
