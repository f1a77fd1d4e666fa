"""Sales by day over HTTP."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from sqlalchemy import select

from contracts.runtime.access import Caller, allow
from contracts.runtime.database import Database
from side_effects.analytics.tables import SalesByDay

Reader = Annotated[Caller, Depends(allow("shop", "support", "operator"))]
Since = Annotated[date | None, Query(alias="from")]


def routes(db: Database) -> APIRouter:
    """The routes of analytics."""
    router = APIRouter(tags=["reports"])

    @router.get("/reports/sales")
    def sales(caller: Reader, since: Since = None, to: date | None = None) -> list[dict[str, Any]]:
        """Confirmed orders and their sum, by day and currency."""
        found = select(SalesByDay).order_by(SalesByDay.day, SalesByDay.currency)
        if since:
            found = found.where(SalesByDay.day >= since)
        if to:
            found = found.where(SalesByDay.day <= to)
        with db.transaction() as session:
            return [_shown(row) for row in session.scalars(found)]

    return router


def _shown(row: SalesByDay) -> dict[str, Any]:
    money = {"amount": row.amount, "currency": row.currency}
    return {"day": row.day, "orders": row.orders, "sales": money}
