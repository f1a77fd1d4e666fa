"""Looking at orders: one, its changes as they come, and a customer's list."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from sqlalchemy import select
from sqlalchemy.orm import undefer
from sse_starlette import EventSourceResponse

from contracts.messages.catalogue import read
from contracts.messages.payable import Payable
from contracts.messages.values import parcel_saga_id, saga_id_of
from contracts.runtime.access import Caller, allow
from contracts.runtime.database import Database
from contracts.runtime.problems import Problem
from participants.orders.payable import shown
from participants.orders.statuses import FINAL
from participants.orders.tables import OrderRow

WATCH_SECONDS = 300.0
SHOWN_OF_PARCEL = ("state", "captured", "warehouse", "lines", "carrier", "tracking")
LOOK_SECONDS = 0.25
Reader = Annotated[Caller, Depends(allow("shop", "customer", "support", "risk", "operator"))]
Accepted = Callable[[str], dict[str, Any] | None]
Limit = Annotated[int, Query(ge=1, le=500)]


def routes(db: Database, accepted: Accepted) -> APIRouter:
    """The routes of orders; `accepted` knows those that were submitted and not created yet."""
    router = APIRouter(tags=["orders"])

    def look(order_id: UUID, caller: Caller) -> dict[str, Any]:
        with db.transaction() as session:
            row = session.get(OrderRow, str(order_id), options=[undefer(OrderRow.lines)])
        order = _shown(row) if row and row.customer_id else _awaited(str(order_id), accepted)
        if order is None or not caller.sees(order["customer_id"]):
            raise Problem(404, "not-found", "There is no such order")
        return order

    @router.get("/orders/{order_id}")
    def order(order_id: UUID, caller: Reader) -> dict[str, Any]:
        """One order with its three statuses."""
        return look(order_id, caller)

    @router.get("/orders/{order_id}/events", response_class=EventSourceResponse)
    async def watch(order_id: UUID, caller: Reader) -> EventSourceResponse:
        """The order each time it changes, until it has ended, for at most five minutes."""
        first = await asyncio.to_thread(look, order_id, caller)
        return EventSourceResponse(_changes(first, lambda: look(order_id, caller)))

    @router.get("/orders")
    def listed(caller: Reader, cursor: UUID | None = None, limit: Limit = 100) -> dict[str, Any]:
        """Orders, newest first, by cursor; a customer sees only its own."""
        found = select(OrderRow).where(OrderRow.customer_id != "").order_by(OrderRow.id.desc())
        if caller.role == "customer":
            found = found.where(OrderRow.customer_id == caller.subject)
        if cursor:
            found = found.where(OrderRow.id < str(cursor))
        with db.transaction() as session:
            rows = list(session.scalars(found.options(undefer(OrderRow.lines)).limit(limit)))
        return {
            "orders": [_shown(row) for row in rows],
            "next": rows[-1].id if len(rows) == limit else None,
        }

    return router


async def _changes(
    order: dict[str, Any], look: Callable[[], dict[str, Any]]
) -> AsyncIterator[dict[str, str]]:
    shown: dict[str, Any] = {}
    loop = asyncio.get_running_loop()
    until = loop.time() + WATCH_SECONDS
    while True:
        if order != shown:
            shown = order
            yield {"event": "order", "data": json.dumps(order)}
        if _ended(order) or loop.time() > until:
            return
        await asyncio.sleep(LOOK_SECONDS)
        order = await asyncio.to_thread(look)


def _ended(order: dict[str, Any]) -> bool:
    confirmed = order["status"] == "confirmed"
    return order["status"] in FINAL and (not confirmed or order["fulfilment_status"] != "none")


def _shown(row: OrderRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "status": row.status,
        "payment_status": row.payment_status,
        "fulfilment_status": row.fulfilment_status,
        "reason": row.reason,
        "customer_id": row.customer_id,
        "currency": row.currency,
        "total": {"amount": row.amount, "currency": row.currency},
        "lines": row.lines,
        "payable": shown(read(Payable, row.payable)),
        "returned": row.returned,
        "refunded": {"amount": sum(row.refunded.values()), "currency": row.currency},
        "parcels": _parcels(row),
        **_references(row.id),
    }


def _parcels(row: OrderRow) -> list[dict[str, Any]]:
    """The parcels of an order that is sent in several; each is a saga of its own."""
    saga_id = saga_id_of(row.id)
    known = [(int(number), parcel) for number, parcel in row.parcels.items() if "lines" in parcel]
    return [
        {
            "number": number,
            **{name: parcel[name] for name in SHOWN_OF_PARCEL},
            "amount": {"amount": parcel["amount"], "currency": row.currency},
            "saga": f"/sagas/{parcel_saga_id(saga_id, number)}",
        }
        for number, parcel in sorted(known)
    ]


def _awaited(order_id: str, accepted: Accepted) -> dict[str, Any] | None:
    data = accepted(order_id)
    if data is None:
        return None
    payable: Payable = read(Payable, data["payable"])
    return {
        "id": order_id,
        "status": "pending",
        "payment_status": "none",
        "fulfilment_status": "none",
        "reason": "",
        "customer_id": data["customer_id"],
        "currency": payable.total.currency,
        "total": asdict(payable.total),
        "lines": data["lines"],
        "payable": shown(payable),
        "returned": {},
        "refunded": {"amount": 0, "currency": payable.total.currency},
        "parcels": [],
        **_references(order_id),
    }


def _references(order_id: str) -> dict[str, Any]:
    saga_id = saga_id_of(order_id)
    here = f"/orders/{order_id}"
    links = {"self": here, "events": f"{here}/events", "saga": f"/sagas/{saga_id}"}
    return {"saga_id": saga_id, "links": links}
