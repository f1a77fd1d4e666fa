"""Imports a shop's past orders from a file: read, stocked, submitted, waited for, compared."""
