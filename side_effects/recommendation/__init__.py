"""Learns who bought what, and what is bought together."""
