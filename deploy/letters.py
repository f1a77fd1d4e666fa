"""Dead letters of all services: whose they are, and how one is handed over once more."""

from collections.abc import Container
from typing import Any

from sqlalchemy import func, or_, select

from contracts.delivery.replay import replay
from contracts.delivery.tables import attempts, dead_letters, inbox
from contracts.runtime.problems import Problem
from contracts.runtime.session import BatchSession
from deploy.everywhere import Everywhere

SHOWN = 200
LETTER = dead_letters.c


def newest(
    everywhere: Everywhere, of: Container[str] | None, subject: str, kind: str
) -> list[dict[str, Any]]:
    """The newest of these services (all, if none is named), about this subject and of this type
    (by its name too), where one is given."""
    wanted = select(*_SHOWN).order_by(LETTER.at.desc()).limit(SHOWN)
    if subject:
        wanted = wanted.where(LETTER.subject == subject)
    if kind:
        wanted = wanted.where(
            or_(LETTER.type == kind, func.split_part(LETTER.type, ".", 2) == kind)
        )
    found = [_letter(name, row) for name, rows in everywhere.ask(wanted, of=of) for row in rows]
    return sorted(found, key=lambda row: row["at"], reverse=True)[:SHOWN]


def owners(everywhere: Everywhere, letter: str) -> list[str]:
    """The services that could not handle this message: it has the same id at each of them."""
    mine = select(LETTER.id).where(LETTER.id == letter)
    return [name for name, rows in everywhere.ask(mine) if rows]


def hand_over(session: BatchSession, letter: str) -> dict[str, Any] | None:
    """Make the letter due at once in its service; what is handed over, and what becomes of it. None
    when it is there no more; a problem when nobody could read it."""
    mine = select(
        LETTER.type, LETTER.subject, LETTER.reason, LETTER.envelope.isnot(None).label("read")
    )
    row = session.execute(mine.where(LETTER.id == letter).with_for_update()).one_or_none()
    if row is None:
        return None
    if not row.read:
        raise Problem(409, "not-now", "It cannot be replayed", f"Nobody can read it: {row.reason}.")
    applied = session.scalar(select(inbox.c.id).where(inbox.c.id == letter))
    replay(session, letter)
    then = "what failed outside is done again, under the same key" if applied else "handled again"
    return {"type": row.type, "subject": row.subject, "then": then}


def waiting(session: BatchSession) -> int:
    """How many messages a service has kept or put aside."""
    kept = attempts.c.envelope.isnot(None)
    return session.scalar(select(func.count()).select_from(attempts).where(kept)) or 0


def _letter(service: str, row: Any) -> dict[str, Any]:
    return {"service": service, **row._mapping}


_SHOWN = (
    *(column for column in LETTER if column.name != "envelope"),
    LETTER.envelope.isnot(None).label("replayable"),
)
