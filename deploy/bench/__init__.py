"""Measures the platform beside a yardstick: plain Celery, on the same broker and machine."""
