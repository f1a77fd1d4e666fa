"""Points over HTTP: look at an account, and give or take points by hand, or give many at once."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from contracts.runtime.access import Caller, Customer, allow
from contracts.runtime.bulk import insert_new
from contracts.runtime.database import Database
from contracts.runtime.problems import Problem
from contracts.runtime.session import BatchSession
from participants.loyalty import ledger, points
from participants.loyalty.tables import Adjustment, PointsAccount, PointsEntry

LATEST = 100
MOST_POINTS = 1_000_000_000
GIFTS_MOST = 500
COUNTERS = ("earned", "redeemed", "restored", "reversed", "adjusted")
Reader = Annotated[Caller, Depends(allow("shop", "customer", "support", "operator"))]
Giver = Annotated[Caller, Depends(allow("support", "operator"))]
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


class GiftBody(BaseModel):
    """Points for one customer, and the key under which they are given once."""

    model_config = ConfigDict(extra="forbid")
    key: str = Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")
    customer_id: Customer
    points: Given
    reason: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")


class GiftsBody(BaseModel):
    """Up to 500 of them, each under its own key."""

    model_config = ConfigDict(extra="forbid")
    gifts: list[GiftBody] = Field(min_length=1, max_length=GIFTS_MOST)


def routes(db: Database) -> APIRouter:
    """The routes of loyalty."""
    router = APIRouter(tags=["loyalty"])

    @router.get("/loyalty/{customer_id}")
    def look(customer_id: Customer, caller: Reader) -> dict[str, Any]:
        """A customer's balance, how it came about, and the latest entries, the newest first."""
        if not caller.sees(customer_id):
            raise _unknown()
        with db.transaction() as session:
            account = session.get(PointsAccount, customer_id)
            if account is None:
                raise _unknown()
            return _shown(account, session)

    @router.post("/loyalty/{customer_id}/adjust")
    def adjust(customer_id: Customer, body: AdjustBody, key: Key, caller: Giver) -> dict[str, Any]:
        """Give or take points, once, however often it is sent; never more than there are."""
        asked = {"customer_id": customer_id, "points": body.points, "reason": body.reason}
        with db.transaction() as session:
            (adjusted,) = _adjusted(session, caller.subject, {key: asked})
        return adjusted

    @router.post("/loyalty:batch")
    def give(body: GiftsBody, caller: Giver) -> dict[str, Any]:
        """Give points to many, each gift once, however often it is sent; all of them or none."""
        asked = {gift.key: gift.model_dump(exclude={"key"}) for gift in body.gifts}
        if len(asked) < len(body.gifts):
            raise Problem(422, "key-twice", "Two gifts have the same key", "Give each its own.")
        with db.transaction() as session:
            return {"gifts": _adjusted(session, caller.subject, asked)}

    return router


def _adjusted(
    session: BatchSession, caller: str, asked: dict[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    """What these keys of the caller stand for, in their order; done now where a key is new."""
    for wanted in asked.values():
        if points.is_guest(wanted["customer_id"]):
            raise Problem(422, "guest", "A guest has no points", "Only who registers keeps points.")
    rows = [{"caller": caller, "key": key, **asked[key], "balance": 0} for key in sorted(asked)]
    new = insert_new(session, Adjustment.__table__, rows, "key")
    session.load(Adjustment, {(caller, key) for key in asked})
    made = {key: session.get(Adjustment, (caller, key)) for key in asked}
    for key, wanted in asked.items():
        if wanted != {name: getattr(made[key], name) for name in wanted}:
            raise _reused(key)
    ledger.lock(session, {made[key].customer_id for key in new})
    for key in sorted(new):
        _adjust(session, made[key])
    return [{**wanted, "balance": made[key].balance} for key, wanted in asked.items()]


def _adjust(session: BatchSession, made: Adjustment) -> None:
    if not points.adjust(session, made.customer_id, made.points, made.reason):
        raise _too_few(ledger.balance(session, made.customer_id))
    made.balance = ledger.balance(session, made.customer_id)


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
