"""Searching orders over HTTP, newest first; every search is answered from an index."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select, Text, cast, func, literal, select
from sqlalchemy.dialects.postgresql import TSQUERY

from contracts.runtime.access import Caller, allow
from contracts.runtime.database import Database
from side_effects.search.index import lexeme
from side_effects.search.tables import OrderIndex

Reader = Annotated[Caller, Depends(allow("shop", "support", "risk", "operator"))]
Status = Literal["pending", "review", "rejected", "confirmed", "cancelled"]
Word = Annotated[str | None, Field(max_length=200, pattern=r"^[^\x00-\x1f]+$")]
Minor = Annotated[int | None, Field(ge=0, le=10**15)]
LAST_MOMENT = 2**48 - 1  # an id begins with 48 bits of milliseconds


class Wanted(BaseModel):
    """What is searched for: all of it has to fit. Totals in minor units, times with their zone."""

    model_config = ConfigDict(extra="forbid")
    q: Word = None
    status: Status | None = None
    customer: Word = None
    sku: Word = None
    min_total: Minor = None
    max_total: Minor = None
    since: datetime | None = Field(None, alias="from")
    to: datetime | None = None
    cursor: UUID | None = None
    limit: int = Field(50, ge=1, le=500)


def routes(db: Database) -> APIRouter:
    """The routes of search."""
    router = APIRouter(tags=["search"])

    @router.get("/search/orders")
    def orders(caller: Reader, wanted: Annotated[Wanted, Query()]) -> dict[str, Any]:
        """Orders by words of their SKUs and reasons (or by id), status, customer, SKU, total and
        time of submit, newest first, by cursor."""
        with db.transaction() as session:
            rows = list(session.scalars(matching(wanted)))
        return {
            "orders": [_shown(row) for row in rows],
            "next": rows[-1].order_id if len(rows) == wanted.limit else None,
        }

    return router


def matching(wanted: Wanted) -> Select[OrderIndex]:
    """The orders that fit, newest first."""
    found = select(OrderIndex).where(OrderIndex.customer_id != "", *_sums(wanted), *_times(wanted))
    if wanted.q:
        found = found.where(_said(wanted.q))
    if wanted.status:
        found = found.where(OrderIndex.status == wanted.status)
    if wanted.customer:
        found = found.where(OrderIndex.customer_id == wanted.customer)
    if wanted.sku:
        found = found.where(OrderIndex.words.op("@@")(_whole(wanted.sku)))
    return found.order_by(OrderIndex.order_id.desc()).limit(wanted.limit)


def _sums(wanted: Wanted) -> list[Any]:
    least, most = wanted.min_total, wanted.max_total
    bounds = [OrderIndex.amount >= least] if least is not None else []
    return [*bounds, OrderIndex.amount <= most] if most is not None else bounds


def _times(wanted: Wanted) -> list[Any]:
    """An order's id begins with its time, so the key of the table answers for times too."""
    bounds = [OrderIndex.order_id >= _first_id(wanted.since)] if wanted.since else []
    if wanted.to:
        bounds.append(OrderIndex.order_id < _first_id(wanted.to))
    if wanted.cursor:
        bounds.append(OrderIndex.order_id < str(wanted.cursor))
    return bounds


def _first_id(at: datetime) -> str:
    """The first id of this moment; a time without a zone is in UTC."""
    zoned = at if at.tzinfo else at.replace(tzinfo=UTC)
    moment = min(max(int(zoned.timestamp() * 1000), 0), LAST_MOMENT)
    return str(UUID(int=moment << 80))


def _said(text: str) -> Any:
    """All of these words, or the order of this id."""
    try:
        return OrderIndex.order_id == str(UUID(text))
    except ValueError:
        return OrderIndex.words.op("@@")(func.plainto_tsquery("simple", text))


def _whole(sku: str) -> Any:
    """One SKU, quoted: nothing in it is an operator."""
    quoted = lexeme(sku).replace("\\", "\\\\").replace("'", "''")
    return cast(literal(f"'{quoted}'", Text), TSQUERY)


def _shown(row: OrderIndex) -> dict[str, Any]:
    return {
        "order_id": row.order_id,
        "customer_id": row.customer_id,
        "status": row.status,
        "total": {"amount": row.amount, "currency": row.currency},
        "created_at": row.created_at,
        "links": {"self": f"/orders/{row.order_id}"},
    }
