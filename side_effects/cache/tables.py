"""Cache has no tables of its own: what it keeps may be lost at any time."""

from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """The tables of cache: none."""
