"""Subscribes to everything: makes choreography visible, and sees that nobody misses an event."""
