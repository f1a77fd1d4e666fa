"""Events and their deliveries over HTTP: who heard what, who failed, who has not reported yet."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from sqlalchemy import func, select

from contracts.runtime.access import Caller, allow
from contracts.runtime.database import Database
from contracts.runtime.session import BatchSession
from side_effects.trail.consumer import IGNORED, PENDING, RETRYING
from side_effects.trail.tables import Delivery, EventRow

Staff = Annotated[Caller, Depends(allow("support", "risk", "operator"))]
Limit = Annotated[int, Query(ge=1, le=500)]
STATES = ("pending", "handled", "retrying", "dead", "ignored")


def routes(db: Database, retries: Mapping[str, Any]) -> APIRouter:
    """The routes of the trail; `retries` is what each subscriber declares about them."""
    router = APIRouter(tags=["events"])
    _events(router, db)
    _deliveries(router, db, retries)
    return router


def _events(router: APIRouter, db: Database) -> None:

    @router.get("/events")
    def events(
        caller: Staff, order: UUID | None = None, cursor: UUID | None = None, limit: Limit = 100
    ) -> dict[str, Any]:
        """Events, newest first, by cursor; of one order, if it is named."""
        found = select(EventRow).order_by(EventRow.id.desc()).limit(limit)
        if order:
            found = found.where(EventRow.subject == str(order))
        if cursor:
            found = found.where(EventRow.id < str(cursor))
        with db.transaction() as session:
            rows = list(session.scalars(found))
        return {
            "events": [shown(row) for row in rows],
            "next": rows[-1].id if len(rows) == limit else None,
        }


def _deliveries(router: APIRouter, db: Database, retries: Mapping[str, Any]) -> None:
    @router.get("/events/{event_id}/deliveries")
    def deliveries(event_id: UUID, caller: Staff) -> list[dict[str, Any]]:
        """What became of one event at each subscriber."""
        with db.transaction() as session:
            return delivered(session, str(event_id))

    @router.get("/consumers")
    def consumers(caller: Staff) -> list[dict[str, Any]]:
        """Every subscriber: how many deliveries in which state, the oldest that is open, and how
        often what fails is tried again (null of one outside this code), and what happens then."""
        counted = select(
            Delivery.subscriber,
            *(func.count().filter(Delivery.state == state).label(state) for state in STATES),
            func.min(Delivery.changed_at)
            .filter(Delivery.state.in_((PENDING, RETRYING)))
            .label("oldest_open"),
        )
        counted = counted.group_by(Delivery.subscriber).order_by(Delivery.subscriber)
        with db.transaction() as session:
            rows = session.execute(counted).all()
        return [{**row._mapping, "retries": retries.get(row.subscriber)} for row in rows]


def delivered(session: BatchSession, event_id: str) -> list[dict[str, Any]]:
    """What became of one event at each subscriber."""
    wanted = select(Delivery).where(Delivery.event_id == event_id)
    return [_delivery(row) for row in session.scalars(wanted.order_by(Delivery.subscriber))]


def shown(row: EventRow) -> dict[str, Any]:
    """An event as it is shown."""
    return {
        "id": row.id,
        "type": row.type,
        "at": row.at,
        "source": row.source,
        "subject": row.subject,
        "saga": row.saga,
        "cause": row.cause,
    }


def _delivery(row: Delivery) -> dict[str, Any]:
    return {
        "subscriber": row.subscriber,
        "state": row.state,
        "attempts": row.attempts,
        "last_error": "" if row.state == IGNORED else row.reason,
        "handled_at": row.changed_at if row.state == "handled" else None,
        "ignored_because": row.reason if row.state == IGNORED else None,
    }
