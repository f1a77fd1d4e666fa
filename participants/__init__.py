"""The services of an order: each owns its data and its decisions."""
