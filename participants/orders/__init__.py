"""Keeps each order and its public status."""
