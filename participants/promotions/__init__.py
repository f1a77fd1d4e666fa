"""Owns promotion codes: what each takes off, when it is valid, and how often it may be used."""
