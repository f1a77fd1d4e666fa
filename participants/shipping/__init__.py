"""Hands orders to a carrier."""
