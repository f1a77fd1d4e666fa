"""What needs more than one service's data: an order's story, and how far all got."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from sqlalchemy import func, select

from contracts.delivery.tables import outbox
from contracts.runtime.access import Caller, allow
from contracts.runtime.database import Database
from contracts.runtime.problems import Problem
from deploy.overview.story import why
from orchestrator.shell.tables import SagaRow
from side_effects.trail.consumer import PENDING, RETRYING
from side_effects.trail.tables import Delivery

Staff = Annotated[Caller, Depends(allow("support", "risk", "operator"))]
OPEN = select(Delivery.event_id).where(Delivery.state.in_((PENDING, RETRYING))).subquery()


def routes(orchestrator: Database, databases: Mapping[str, Database]) -> APIRouter:
    """The routes that look at several services."""
    router = APIRouter()

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


def _count(db: Database, counted: Any) -> int:
    with db.transaction() as session:
        return session.scalar(select(func.count()).select_from(counted)) or 0
