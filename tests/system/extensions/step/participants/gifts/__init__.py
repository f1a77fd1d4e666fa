"""Wraps parcels."""
