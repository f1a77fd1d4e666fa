"""Owns stock: what is on hand, what is held for whom, what has gone."""
