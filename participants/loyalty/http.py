"""Points over HTTP: look at an account, and give or take points by hand."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from contracts.runtime.access import Caller, allow
from contracts.runtime.bulk import insert_new
from contracts.runtime.database import Database
from contracts.runtime.problems import Problem
from contracts.runtime.session import BatchSession
from participants.loyalty import ledger, points
from participants.loyalty.tables import Adjustment, PointsAccount, PointsEntry

LATEST = 100
MOST_POINTS = 1_000_000_000
COUNTERS = ("earned", "redeemed", "restored", "reversed", "adjusted")
Reader = Annotated[Caller, Depends(allow("shop", "customer", "support", "operator"))]
Giver = Annotated[Caller, Depends(allow("support", "operator"))]
CustomerId = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_.:\-]+$")]
Key = Annotated[
    str, Header(alias="Idempotency-Key", min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")
]
Given = Annotated[int, Field(ge=1, le=MOST_POINTS)]
Taken = Annotated[int, Field(ge=-MOST_POINTS, le=-1)]


class AdjustBody(BaseModel):
    """Points to give, or to take if negative, and why, in words the customer may read."""

    model_config = ConfigDict(extra="forbid")
    points: Given | Taken
    reason: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")


def routes(db: Database) -> APIRouter:
    """The routes of loyalty."""
    router = APIRouter(tags=["loyalty"])

    @router.get("/loyalty/{customer_id}")
    def look(customer_id: CustomerId, caller: Reader) -> dict[str, Any]:
        """A customer's balance, how it came about, and the latest entries, the newest first."""
        if caller.role == "customer" and caller.subject != customer_id:
            raise _unknown()
        with db.transaction() as session:
            account = session.get(PointsAccount, customer_id)
            if account is None:
                raise _unknown()
            return _shown(account, session)

    @router.post("/loyalty/{customer_id}/adjust")
    def adjust(
        customer_id: CustomerId, body: AdjustBody, key: Key, caller: Giver
    ) -> dict[str, Any]:
        """Give or take points, once, however often it is sent; never more than there are."""
        if points.is_guest(customer_id):
            raise Problem(422, "guest", "A guest has no points", "Only who registers keeps points.")
        asked = {"customer_id": customer_id, "points": body.points, "reason": body.reason}
        with db.transaction() as session:
            made = _adjusted(session, caller.subject, key, asked)
        if asked != {name: getattr(made, name) for name in asked}:
            raise _reused(key)
        return {**asked, "balance": made.balance}

    return router


def _adjusted(session: BatchSession, caller: str, key: str, asked: dict[str, Any]) -> Adjustment:
    """What this key of the caller stands for; done now if the key is new."""
    row = {"caller": caller, "key": key, **asked, "balance": 0}
    new = insert_new(session, Adjustment.__table__, [row], "key")
    made: Adjustment | None = session.get(Adjustment, (caller, key))
    assert made, "it was there, or has just been written"
    if new:
        ledger.lock(session, made.customer_id)
        if not points.adjust(session, made.customer_id, made.points, made.reason):
            raise _too_few(ledger.balance(session, made.customer_id))
        made.balance = ledger.balance(session, made.customer_id)
    return made


def _shown(account: PointsAccount, session: BatchSession) -> dict[str, Any]:
    entries = PointsEntry.__table__
    latest = (
        select(entries.c.operation, entries.c.points, entries.c.order_id, entries.c.reason)
        .add_columns(entries.c.at)
        .where(entries.c.customer_id == account.customer_id)
        .order_by(entries.c.id.desc())
        .limit(LATEST)
    )
    return {
        "customer_id": account.customer_id,
        "balance": account.balance,
        **{counter: getattr(account, counter) for counter in COUNTERS},
        "entries": [dict(row._mapping) for row in session.execute(latest)],
    }


def _unknown() -> Problem:
    return Problem(404, "not-found", "This customer has no points")


def _too_few(there: int) -> Problem:
    return Problem(409, "too-few-points", "There are fewer points", f"{there} points are there.")


def _reused(key: str) -> Problem:
    title = "This key stands for another adjustment"
    detail = f"Idempotency-Key {key!r} was used with another body; take a new key."
    return Problem(422, "key-reused", title, detail)
