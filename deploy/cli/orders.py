"""submit, why, demo: orders, from the outside."""
