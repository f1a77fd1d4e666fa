"""What a worker asks its database now and then: is the service paused, and where is something due?

One query by itself, so that a worker with nothing to do costs little: whoever takes what is due
opens a transaction for it, and does so only where there is something.
"""

from typing import NamedTuple

from sqlalchemy import exists, func, select

from contracts.delivery.pause import STANDING
from contracts.delivery.tables import attempts, intents, outbox
from contracts.runtime.database import Database

ATTEMPTS, OUTBOX, INTENTS = attempts.name, outbox.name, intents.name


class Seen(NamedTuple):
    """Whether the service is paused, and the names of the tables in which something is due."""

    paused: bool
    due: set[str]


def look(db: Database) -> Seen:
    """What stands in the database of a service at this moment."""
    (row,) = db.read(_LOOK)
    return Seen(row.paused, {name for name in _DUE if row._mapping[name]})


_NOW = func.now()
_DUE = {
    ATTEMPTS: exists().where(attempts.c.due_at <= _NOW),
    OUTBOX: exists().where(outbox.c.due_at <= _NOW),
    INTENTS: exists().where(intents.c.state == "pending", intents.c.due_at <= _NOW),
}
_LOOK = select(STANDING.exists().label("paused"), *(due.label(name) for name, due in _DUE.items()))
