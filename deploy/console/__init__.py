"""The console: pages for people, a client of this platform's own JSON and of nothing else."""
