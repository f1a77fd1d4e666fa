"""The database's time between two looks at it, carried forward by this process's own clock."""

from datetime import datetime, timedelta
from time import monotonic

LOOK_EVERY = 1.0
_seen: tuple[datetime, float] | None = None


def look(at: datetime) -> datetime:
    """The database has just said that it is `at`."""
    global _seen
    _seen = at, monotonic()
    return at


def now() -> datetime | None:
    """The database's time; None when it was last looked at too long ago (`LOOK_EVERY` seconds)."""
    if _seen is None:
        return None
    at, since = _seen
    passed = monotonic() - since
    return at + timedelta(seconds=passed) if passed < LOOK_EVERY else None
