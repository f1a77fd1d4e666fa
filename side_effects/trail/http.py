"""Events and their deliveries over HTTP: who heard what, who failed, who has not reported yet.

What is final is read from the tallies, what is open from its own index, so that nothing here takes
longer the more was delivered.
"""

from collections import defaultdict
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from sqlalchemy import func, select, text

from contracts.delivery.outbox import TRAIL
from contracts.delivery.tables import subscriptions
from contracts.runtime.access import Caller, allow
from contracts.runtime.bulk import among
from contracts.runtime.database import Database
from contracts.runtime.session import BatchSession
from side_effects.trail.tables import (
    DEAD,
    HANDLED,
    IGNORED,
    OPEN,
    PENDING,
    RETRYING,
    Delivery,
    EventRow,
    ReceiptRow,
    Tally,
)

Staff = Annotated[Caller, Depends(allow("support", "risk", "operator"))]
Limit = Annotated[int, Query(ge=1, le=500)]
DELIVERIES, RECEIPTS = Delivery.__table__, ReceiptRow.__table__
STATES = (PENDING, HANDLED, RETRYING, DEAD, IGNORED)
Paused = Callable[[Container[str]], Mapping[str, Any]]


def routes(db: Database, declared: Mapping[str, Any], paused: Paused) -> APIRouter:
    """The routes of the trail; `declared` is what each subscriber says of itself (its kind, how it
    tries again), `paused` tells who of some is paused now."""
    router = APIRouter(tags=["events"])
    _events(router, db)
    _deliveries(router, db)

    @router.get("/consumers")
    def consumers(caller: Staff) -> list[dict[str, Any]]:
        """Every subscriber: how many deliveries in which state, how many and how old those that
        are open, whether it is paused; what it is, how often what fails is tried again (null of one
        outside this code), and what happens then."""
        with db.transaction() as session:
            found = _standing(session)
        resting = paused(found)
        return [
            {
                **found[name],
                "paused": resting.get(name),
                **declared.get(name, {"kind": None, "retries": None}),
            }
            for name in sorted(found)
        ]

    return router


def _events(router: APIRouter, db: Database) -> None:

    @router.get("/events")
    def events(
        caller: Staff,
        order: UUID | None = None,
        cursor: UUID | None = None,
        limit: Limit = 100,
        deliveries: bool = False,
    ) -> dict[str, Any]:
        """Events, newest first, by cursor; of one order, if it is named; with their deliveries, if
        they are asked for."""
        found = select(EventRow).order_by(EventRow.id.desc()).limit(limit)
        if order:
            found = found.where(EventRow.subject == str(order))
        if cursor:
            found = found.where(EventRow.id < str(cursor))
        with db.transaction() as session:
            rows = list(session.scalars(found))
            heard = delivered(session, [row.id for row in rows]) if deliveries else {}
        more = [{"deliveries": heard[row.id]} if deliveries else {} for row in rows]
        return {
            "events": [{**shown(row), **one} for row, one in zip(rows, more, strict=True)],
            "next": rows[-1].id if len(rows) == limit else None,
        }


def _deliveries(router: APIRouter, db: Database) -> None:
    @router.get("/events/{event_id}/deliveries")
    def deliveries(event_id: UUID, caller: Staff) -> list[dict[str, Any]]:
        """What became of one event at each subscriber, and how it came to that."""
        with db.transaction() as session:
            return delivered(session, [str(event_id)])[str(event_id)]


def delivered(session: BatchSession, events: Sequence[str]) -> Mapping[str, list[dict[str, Any]]]:
    """The deliveries of these events, by event and then subscriber, each with its history."""
    ids = {"among": list(events)}
    history = defaultdict(list)
    for receipt in session.execute(_RECEIPTS, ids):
        told = {name: getattr(receipt, name) for name in ("at", "state", "attempt", "error")}
        history[receipt.event_id, receipt.subscriber].append(told)
    found = defaultdict(list)
    for row in session.execute(_DELIVERIES, ids):
        found[row.event_id].append(_delivery(row, history[row.event_id, row.subscriber]))
    return found


def _standing(session: BatchSession) -> dict[str, dict[str, Any]]:
    """How each subscriber stands, by name."""
    found = {name: _nothing(name) for name in session.scalars(_SUBSCRIBERS)}
    for name, state, count in session.execute(_FINAL):
        found.setdefault(name, _nothing(name))[state] = count
    for name, state, count, oldest in session.execute(_OPEN):
        its = found.setdefault(name, _nothing(name))
        its[state] = count
        if state != DEAD:
            its["depth"] += count
            its["oldest_open"] = min(filter(None, (its["oldest_open"], oldest)))
    for its in found.values():
        its["not_heard"] = its[PENDING]
    return found


def _nothing(name: str) -> dict[str, Any]:
    zero = dict.fromkeys((*STATES, "depth", "not_heard"), 0)
    return {"subscriber": name, **zero, "oldest_open": None}


_RECEIPTS = select(RECEIPTS).where(among(RECEIPTS.c.event_id)).order_by(RECEIPTS.c.position)
_DELIVERIES = (
    select(DELIVERIES).where(among(DELIVERIES.c.event_id)).order_by(DELIVERIES.c.subscriber)
)
_SUBSCRIBERS = (
    select(subscriptions.c.subscriber).where(subscriptions.c.subscriber != TRAIL).distinct()
)
_FINAL = select(Tally.subscriber, Tally.state, Tally.count)
_OPEN = (
    select(Delivery.subscriber, Delivery.state, func.count(), func.min(Delivery.changed_at))
    .where(text(OPEN))
    .group_by(Delivery.subscriber, Delivery.state)
)


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


def _delivery(row: Any, history: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "subscriber": row.subscriber,
        "state": row.state,
        "attempts": row.attempts,
        "last_error": "" if row.state == IGNORED else row.reason,
        "handled_at": row.changed_at if row.state == HANDLED else None,
        "ignored_because": row.reason if row.state == IGNORED else None,
        "changed_at": row.changed_at,
        "heard": row.state != PENDING,
        "asked": row.asked,
        "next_at": row.ask_at,
        "history": history,
    }
