"""The promise: at least once on the wire, once in effect."""
