"""Owns points: how many a customer has, which order took them and which earned them."""
