"""Notes which orders were confirmed."""
