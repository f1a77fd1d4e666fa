"""Keeps reporting tables of its own."""
