"""Keeps a checklist of the first steps of each customer."""
