"""Recommendations over HTTP, each with its reason."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlalchemy import case, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased

from contracts.runtime.access import Caller, allow
from contracts.runtime.database import Database
from side_effects.recommendation.tables import Bought, Together

Reader = Annotated[Caller, Depends(allow("shop", "support"))]
SHOWN = 10


def routes(db: Database) -> APIRouter:
    """The routes of recommendation."""
    router = APIRouter(tags=["reports"])

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

    return router


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
