"""Handing a dead letter to its service once more: to that one service, and as the same message."""

from sqlalchemy import Update, delete, func, update
from sqlalchemy.dialects.postgresql import insert

from contracts.delivery.tables import attempts, dead_letters, inbox, intents
from contracts.runtime.session import BatchSession


def replay(session: BatchSession, identifier: str) -> bool:
    """Make a dead letter due at once, in its service's schema; false when there is none to replay.

    What failed in its handler is handled again. What failed outside has taken its effect but for
    that: its intent is performed again, under the same key.
    """
    letter = session.execute(
        delete(dead_letters)
        .where(dead_letters.c.id == identifier, dead_letters.c.envelope.isnot(None))
        .returning(dead_letters.c.envelope, dead_letters.c.reason)
    ).one_or_none()
    if letter is None:
        return False
    opened = session.scalar(
        update(inbox)
        .where(inbox.c.id == identifier)
        .values(settled=False, result=None)
        .returning(inbox.c.id)
    )
    if opened:
        session.execute(_pending_again(identifier))
    else:
        row = {"error": letter.reason, "envelope": letter.envelope, "due_at": func.now()}
        due = insert(attempts).values(id=identifier, count=0, **row)
        session.execute(due.on_conflict_do_update(index_elements=["id"], set_=row))
    return True


def _pending_again(identifier: str) -> Update:
    return (
        update(intents)
        .where(intents.c.envelope["id"].as_string() == identifier, intents.c.state != "done")
        .values(state="pending", attempts=0, due_at=func.now())
    )
