"""Owns personal data: names, addresses, registrations."""
