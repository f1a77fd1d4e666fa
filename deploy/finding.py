"""What has this id: an order, a saga, a command, a review, an event or a dead letter.

Ids that are made here begin with the time of their saga, so that a command, which has no row of its
own, is looked for in the journals of the few sagas of that moment.
"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from sqlalchemy import Text, cast, or_, select

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
    with db.transaction() as session:
        row = session.get(ReviewRow, identifier)
        return {"kind": "review", "order_id": row.subject, "saga_id": row.saga_id} if row else None


def _by_uuid(orchestrator: Database, trail: Database, identifier: str) -> dict[str, Any] | None:
    try:
        wanted = str(UUID(identifier))
    except ValueError:
        return None
    return _saga(orchestrator, wanted) or _event(trail, wanted) or _command(orchestrator, wanted)


def _saga(db: Database, wanted: str) -> dict[str, Any] | None:
    rows = SagaRow.__table__.c
    known = select(rows.id, rows.subject).where(or_(rows.id == wanted, rows.subject == wanted))
    with db.transaction() as session:
        row = session.execute(known.order_by(rows.id).limit(1)).one_or_none()
    if row is None:
        return None
    kind = "saga" if row.id == wanted else "order"
    return {"kind": kind, "order_id": row.subject, "saga_id": row.id}


def _event(db: Database, wanted: str) -> dict[str, Any] | None:
    with db.transaction() as session:
        row = session.get(EventRow, wanted)
        return {"kind": "event", "order_id": row.subject, "saga_id": row.saga} if row else None


def _command(db: Database, wanted: str) -> dict[str, Any] | None:
    """The saga of that moment in whose journal the command stands."""
    first, last = wanted[:13] + "-0000-0000-000000000000", wanted[:13] + "-ffff-ffff-ffffffffffff"
    sagas, journal = SagaRow.__table__.c, JournalRow.__table__.c
    moment = select(sagas.id).where(sagas.id.between(first, last)).limit(MOST)
    sent = (
        select(sagas.id, sagas.subject)
        .join(JournalRow, journal.saga_id == sagas.id)
        .where(sagas.id.in_(moment), cast(journal.commands, Text).contains(wanted))
        .limit(1)
    )
    with db.transaction() as session:
        row = session.execute(sent).one_or_none()
    return {"kind": "command", "order_id": row.subject, "saga_id": row.id} if row else None
