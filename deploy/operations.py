"""What needs more than one service's data: an order's story, all dead letters, how far all got."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from sqlalchemy import func, select

from contracts.delivery.replay import replay as replayed
from contracts.delivery.tables import dead_letters, outbox
from contracts.runtime.access import Caller, allow
from contracts.runtime.database import Database
from contracts.runtime.problems import Problem
from deploy.overview.story import why
from orchestrator.shell.tables import SagaRow
from side_effects.trail.consumer import PENDING, RETRYING
from side_effects.trail.tables import Delivery

Staff = Annotated[Caller, Depends(allow("support", "risk", "operator"))]
Operator = Annotated[Caller, Depends(allow("operator"))]
SHOWN = 200
OPEN = select(Delivery.event_id).where(Delivery.state.in_((PENDING, RETRYING))).subquery()


def routes(orchestrator: Database, databases: Mapping[str, Database]) -> APIRouter:
    """The routes that look at several services."""
    router = APIRouter()
    _dead_letters(router, databases)

    @router.get("/sagas/{identifier}/why", tags=["sagas"])
    def story(identifier: UUID, caller: Staff) -> dict[str, Any]:
        """The story of an order, by its id or its saga's, in plain sentences."""
        lines = why(orchestrator, databases["trail"], str(identifier))
        if lines is None:
            raise Problem(404, "not-found", "There is no such order or saga")
        return {"lines": lines}

    @router.get("/progress", tags=["sagas"])
    def progress(caller: Staff) -> dict[str, Any]:
        """Sagas by status, events the trail has not heard of, deliveries that are still open."""
        by_status = select(SagaRow.status, func.count().label("number")).group_by(SagaRow.status)
        with databases["orchestrator"].transaction() as session:
            sagas = {row.status: row.number for row in session.execute(by_status)}
        unlogged = sum(_count(db, outbox) for db in databases.values())
        return {
            "sagas": sagas,
            "unlogged_events": unlogged,
            "open_deliveries": _count(databases["trail"], OPEN),
        }

    return router


def _dead_letters(router: APIRouter, databases: Mapping[str, Database]) -> None:
    @router.get("/dead-letters", tags=["dead letters"])
    def listed(caller: Staff) -> dict[str, Any]:
        """What could not be handled and was not replayed since, newest first."""
        found = [row for name, db in databases.items() for row in _letters(name, db)]
        newest = sorted(found, key=lambda row: row["at"], reverse=True)
        return {"dead_letters": newest[:SHOWN]}

    @router.post("/dead-letters/{identifier}/replay", tags=["dead letters"])
    def replay(identifier: UUID, caller: Operator) -> dict[str, str]:
        """Hand a dead letter to its service once more; to that one service only."""
        for name, db in databases.items():
            with db.transaction() as session:
                if replayed(session, str(identifier)):
                    return {"service": name}
        raise Problem(404, "not-found", "There is no such dead letter that could be replayed")


def _count(db: Database, counted: Any) -> int:
    with db.transaction() as session:
        return session.scalar(select(func.count()).select_from(counted)) or 0


def _letters(service: str, db: Database) -> Iterator[dict[str, Any]]:
    wanted = select(dead_letters).order_by(dead_letters.c.at.desc()).limit(SHOWN)
    with db.transaction() as session:
        for row in session.execute(wanted):
            letter = {name: value for name, value in row._mapping.items() if name != "envelope"}
            yield {"service": service, **letter, "replayable": row.envelope is not None}
