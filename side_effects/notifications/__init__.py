"""Pushes to people what happened, on the channel they gave."""
