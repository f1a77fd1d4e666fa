"""What has this id: an order, a saga, a command, a review, an event or a dead letter.

Ids that are made here begin with the time of their saga, so that a command, which has no row of its
own, is looked for in the journals of the few sagas of that moment.
"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from sqlalchemy import Select, Text, cast, or_, select

from contracts.runtime.access import Caller, allow
from contracts.runtime.database import Database
from contracts.runtime.problems import Problem
from orchestrator.shell.tables import JournalRow, ReviewRow, SagaRow
from side_effects.trail.tables import EventRow

MOST = 200  # sagas of one millisecond that are looked at
Staff = Annotated[Caller, Depends(allow("support", "risk", "operator"))]


def routes(orchestrator: Database, trail: Database) -> APIRouter:
    """The route that finds by id."""
    router = APIRouter(tags=["search"])

    @router.get("/ids/{identifier}")
    def find(identifier: str, caller: Staff) -> dict[str, Any]:
        """What kind of thing has this id, with its order and saga: `kind` is order, saga, command,
        review or event; an event may have been published under its command's cause."""
        found = _review(orchestrator, identifier) or _by_uuid(orchestrator, trail, identifier)
        if found is None:
            detail = "No order, saga, command, review or event has it."
            raise Problem(404, "not-found", "Nothing has this id", detail)
        return {"id": identifier, **found}

    return router


def _review(db: Database, identifier: str) -> dict[str, Any] | None:
    rows = ReviewRow.__table__.c
    return _found("review", db, select(rows.subject, rows.saga_id).where(rows.id == identifier))


def _by_uuid(orchestrator: Database, trail: Database, identifier: str) -> dict[str, Any] | None:
    try:
        wanted = str(UUID(identifier))
    except ValueError:
        return None
    return _saga(orchestrator, wanted) or _event(trail, wanted) or _command(orchestrator, wanted)


def _saga(db: Database, wanted: str) -> dict[str, Any] | None:
    rows = SagaRow.__table__.c
    known = select(rows.subject, rows.id).where(or_(rows.id == wanted, rows.subject == wanted))
    found = _found("order", db, known.order_by(rows.id).limit(1))
    return found | {"kind": "saga"} if found and found["saga_id"] == wanted else found


def _event(db: Database, wanted: str) -> dict[str, Any] | None:
    rows = EventRow.__table__.c
    return _found("event", db, select(rows.subject, rows.saga).where(rows.id == wanted))


def _command(db: Database, wanted: str) -> dict[str, Any] | None:
    """The saga of that moment in whose journal the command stands."""
    first, last = wanted[:13] + "-0000-0000-000000000000", wanted[:13] + "-ffff-ffff-ffffffffffff"
    sagas, journal = SagaRow.__table__.c, JournalRow.__table__.c
    moment = select(sagas.id).where(sagas.id.between(first, last)).limit(MOST)
    sent = (
        select(sagas.subject, sagas.id)
        .join(JournalRow, journal.saga_id == sagas.id)
        .where(sagas.id.in_(moment), cast(journal.commands, Text).contains(wanted))
        .limit(1)
    )
    return _found("command", db, sent)


def _found(kind: str, db: Database, query: Select[Any]) -> dict[str, Any] | None:
    """The order and the saga of the first row, if there is one."""
    for row in db.read(query):
        return {"kind": kind, **dict(zip(("order_id", "saga_id"), row, strict=True))}
    return None
