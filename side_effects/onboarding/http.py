"""A customer's checklist over HTTP: look at it, and tick what no event tells of."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends

from contracts.runtime.access import Caller, Customer, allow
from contracts.runtime.database import Database
from contracts.runtime.problems import Problem
from contracts.runtime.session import BatchSession
from side_effects.onboarding.checklist import ITEMS, Tick, tick
from side_effects.onboarding.tables import Checklist

Reader = Annotated[Caller, Depends(allow("shop", "customer", "support"))]
ByHand = Literal["welcome_mail", "preferences"]


def routes(db: Database) -> APIRouter:
    """The routes of onboarding."""
    router = APIRouter(tags=["onboarding"])

    @router.get("/onboarding/{customer_id}")
    def look(customer_id: Customer, caller: Reader) -> dict[str, Any]:
        """What of the first steps is done, and when; a customer sees only its own."""
        with db.transaction() as session:
            return _shown(_started(session, customer_id, caller))

    @router.put("/onboarding/{customer_id}/{item}")
    def done(customer_id: Customer, item: ByHand, caller: Reader) -> dict[str, Any]:
        """Tick an item; again changes nothing."""
        with db.transaction() as session:
            started = _started(session, customer_id, caller)
            tick(session, [Tick(customer_id, ITEMS[item], datetime.now(UTC))])
            session.flush()
            session.refresh(started)
            return _shown(started)

    return router


def _started(session: BatchSession, customer_id: str, caller: Caller) -> Checklist:
    found: Checklist | None = session.get(Checklist, customer_id)
    if not (found and found.started_at and caller.sees(customer_id)):
        raise Problem(404, "not-found", "There is no checklist of this customer")
    return found


def _shown(row: Checklist) -> dict[str, Any]:
    items = [{"item": item, "done_at": getattr(row, column)} for item, column in ITEMS.items()]
    return {
        "customer_id": row.customer_id,
        "started_at": row.started_at,
        "items": items,
        "complete": all(item["done_at"] for item in items),
    }
