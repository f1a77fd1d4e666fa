"""What only reacts to events: each at its own pace, each failing alone."""
