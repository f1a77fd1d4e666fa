"""Recommendations over HTTP, each with its reason."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from sqlalchemy import case, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased

from contracts.runtime.access import Caller, allow
from contracts.runtime.database import Database
from contracts.runtime.problems import Problem
from side_effects.recommendation.pairs import SHOWN
from side_effects.recommendation.tables import Bought, LookedAt, Together

Reader = Annotated[Caller, Depends(allow("shop", "support"))]
Sku = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f]+$")]


def routes(db: Database) -> APIRouter:
    """The routes of recommendation."""
    router = APIRouter(tags=["reports"])
    _of_customer(router, db)
    _of_sku(router, db)
    return router


def _of_customer(router: APIRouter, db: Database) -> None:
    @router.get("/reports/recommendations/{customer_id}")
    def recommended(customer_id: str, caller: Reader) -> list[dict[str, Any]]:
        """What was bought together with what this customer bought, and it did not buy yet."""
        with db.transaction() as session:
            rows = session.execute(_wanted(customer_id)).all()
        return [
            {
                "sku": row.sku,
                "orders": row.orders,
                "because": f"bought together with {row.with_sku} in {row.orders} orders",
            }
            for row in rows
        ]


def _of_sku(router: APIRouter, db: Database) -> None:
    @router.get("/recommendations/{sku}")
    def with_sku(sku: Sku, caller: Reader) -> dict[str, Any]:
        """What was bought together with a SKU, the most often first, and why: in how many of the
        orders looked at."""
        with db.transaction() as session:
            known = session.get(LookedAt, sku)
            rows = session.execute(_others(sku)).all() if known else []
        if known is None:
            raise Problem(404, "not-found", "No confirmed order with this SKU was looked at")
        found = [_because(sku, row, known.orders) for row in rows]
        return {"sku": sku, "orders": known.orders, "recommended": found}


def _because(sku: str, row: Any, of: int) -> dict[str, Any]:
    return {
        "sku": row.sku,
        "orders": row.orders,
        "of_orders": of,
        "share": round(row.orders / of, 4),
        "because": f"bought together with {sku} in {row.orders} of {of} orders looked at",
    }


def _others(sku: str) -> Any:
    """The strongest pairs with this SKU."""
    other = case((Together.sku == sku, Together.other), else_=Together.sku).label("sku")
    pairs = select(other, Together.orders).where((Together.sku == sku) | (Together.other == sku))
    return pairs.order_by(Together.orders.desc(), other).limit(SHOWN)


def _wanted(customer_id: str) -> Any:
    """The strongest pairs of which the customer has one half."""
    owned = select(Bought.sku).where(Bought.customer_id == customer_id)
    mine = aliased(Bought)
    other = case((Together.sku == mine.sku, Together.other), else_=Together.sku)
    pairs = (
        select(other.label("sku"), mine.sku.label("with_sku"), Together.orders)
        .join(mine, (mine.sku == Together.sku) | (mine.sku == Together.other))
        .where(mine.customer_id == customer_id, other.not_in(owned))
        .subquery()
    )
    strongest = (
        select(pairs)
        .ext(distinct_on(pairs.c.sku))
        .order_by(pairs.c.sku, pairs.c.orders.desc(), pairs.c.with_sku)
        .subquery()
    )
    return select(strongest).order_by(strongest.c.orders.desc(), strongest.c.sku).limit(SHOWN)
