"""What needs more than one service's data: an order's story, and how far all got."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from sqlalchemy import func, select, text

from contracts.delivery.tables import outbox
from contracts.runtime.access import Caller, allow
from contracts.runtime.database import Database
from contracts.runtime.problems import Problem
from deploy.everywhere import Everywhere
from deploy.overview.story import why
from orchestrator.shell.tables import SagaRow
from side_effects.trail.tables import DEAD, OPEN, Delivery

Staff = Annotated[Caller, Depends(allow("support", "risk", "operator"))]
NUMBER = func.count().label("number")
BY_STATUS = select(SagaRow.status, NUMBER).group_by(SagaRow.status)
UNLOGGED = select(NUMBER).select_from(outbox)
WAITING = select(NUMBER).where(text(OPEN), Delivery.state != DEAD)


def routes(orchestrator: Database, trail: Database, everywhere: Everywhere) -> APIRouter:
    """The routes that look at several services."""
    router = APIRouter()

    @router.get("/sagas/{identifier}/why", tags=["sagas"])
    def story(identifier: UUID, caller: Staff) -> dict[str, Any]:
        """The story of an order, by its id or its saga's, in plain sentences."""
        lines = why(orchestrator, trail, str(identifier))
        if lines is None:
            raise Problem(404, "not-found", "There is no such order or saga")
        return {"lines": lines}

    @router.get("/progress", tags=["sagas"])
    def progress(caller: Staff) -> dict[str, Any]:
        """Sagas by status, events the trail has not heard of, deliveries that are still open."""
        (waiting,) = trail.read(WAITING)
        return {
            "sagas": {row.status: row.number for row in orchestrator.read(BY_STATUS)},
            "unlogged_events": sum(row.number for _, (row,) in everywhere.ask(UNLOGGED)),
            "open_deliveries": waiting.number,
        }

    return router
