"""A pause of a whole service: until when it does nothing with what comes, who said so, and why.

It is a row in the service's own schema, so that every process of the service sees it and none
forgets it. What comes meanwhile is kept (see `attempts`); the pause ends by itself.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Interval, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from contracts.delivery.tables import pauses
from contracts.runtime.session import BatchSession


@dataclass(frozen=True)
class Pause:
    """Who paused the service, when, until when, and why."""

    by: str
    at: datetime
    until: datetime
    reason: str

    def as_json(self) -> dict[str, Any]:
        """As a person is told."""
        return asdict(self)


def stands(session: BatchSession) -> Pause | None:
    """The pause of the service whose session this is; None when there is none, or it is over."""
    row = session.execute(STANDING).one_or_none()
    return Pause(**row._mapping) if row else None


def pause(session: BatchSession, by: str, reason: str, length: timedelta) -> Pause | None:
    """Pause the service for so long; None when it is paused already, whoever was first."""
    row = session.execute(_PAUSE, {"by": by, "reason": reason, "length": length}).one_or_none()
    return Pause(**row._mapping) if row else None


def resume(session: BatchSession) -> Pause | None:
    """End the pause; the one that was, None when the service is not paused."""
    row = session.execute(_RESUME).one_or_none()
    return Pause(**row._mapping) if row else None


_TOLD = (pauses.c.by, pauses.c.at, pauses.c.until, pauses.c.reason)
_STANDS = pauses.c.until > func.now()
STANDING = select(*_TOLD).where(_STANDS)
_RESUME = delete(pauses).where(_STANDS).returning(*_TOLD)
_ROW = {
    "one": True,
    "by": bindparam("by"),
    "at": func.now(),
    "until": func.now() + bindparam("length", type_=Interval),
    "reason": bindparam("reason"),
}
_PAUSE = (
    insert(pauses)
    .values(_ROW)
    .on_conflict_do_update(index_elements=["one"], set_=_ROW, where=~_STANDS)
    .returning(*_TOLD)
)
