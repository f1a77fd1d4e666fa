"""Owns the money ledger and talks to the payment provider."""
