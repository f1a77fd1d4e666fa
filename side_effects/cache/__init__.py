"""Keeps what is available of each SKU close at hand, and forgets what was sold."""
