"""Alembic asks for an environment; `deploy.migrate` gives it the connection and the function."""
