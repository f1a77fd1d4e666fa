"""Runs the same five trivial steps on other durable systems, each in an environment of its own."""
