"""The behaviour of every saga: pure, no clock, no random id, no input or output."""
