"""Judges orders before anything is held for them: by rules that people change while it runs."""
