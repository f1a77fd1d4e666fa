"""Finds orders by what was published about them."""
