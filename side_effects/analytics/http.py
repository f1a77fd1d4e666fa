"""The reports over HTTP: sales, funnel, failures, cohorts."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from sqlalchemy import func, select

from contracts.runtime.access import Caller, allow
from contracts.runtime.database import Database
from side_effects.analytics.tables import Cohort, FailuresByDay, FunnelByDay, SalesByDay

STEPS = ("created", "authorized", "confirmed", "captured", "shipped", "rejected")
REASONS_MOST = 200
Reader = Annotated[Caller, Depends(allow("shop", "support", "operator"))]
Since = Annotated[date | None, Query(alias="from")]


def routes(db: Database) -> APIRouter:
    """The routes of analytics."""
    router = APIRouter(tags=["reports"])
    _by_day(router, db)
    _of_orders(router, db)
    return router


def _by_day(router: APIRouter, db: Database) -> None:
    @router.get("/reports/sales")
    def sales(caller: Reader, since: Since = None, to: date | None = None) -> list[dict[str, Any]]:
        """Confirmed orders and their sum, by the day they were placed and currency."""
        found = select(SalesByDay).order_by(SalesByDay.day, SalesByDay.currency)
        with db.transaction() as session:
            return [_shown(row) for row in session.scalars(_within(found, SalesByDay, since, to))]

    @router.get("/reports/failures")
    def failures(
        caller: Reader, since: Since = None, to: date | None = None
    ) -> list[dict[str, Any]]:
        """How many orders of these days failed in which way and why, the most frequent first."""
        kind, reason = FailuresByDay.kind, FailuresByDay.reason
        orders = func.sum(FailuresByDay.orders)
        counted = select(kind, reason, orders.label("orders")).group_by(kind, reason)
        counted = counted.order_by(orders.desc(), kind, reason).limit(REASONS_MOST)
        with db.transaction() as session:
            rows = session.execute(_within(counted, FailuresByDay, since, to))
            return [{**row._mapping, "orders": int(row.orders)} for row in rows]


def _of_orders(router: APIRouter, db: Database) -> None:
    @router.get("/reports/funnel")
    def funnel(caller: Reader, since: Since = None, to: date | None = None) -> list[dict[str, Any]]:
        """How many of the orders submitted on these days came to each step, and what share that is
        of those created."""
        orders = func.sum(FunnelByDay.orders)
        counted = select(FunnelByDay.step, orders).group_by(FunnelByDay.step)
        with db.transaction() as session:
            rows = session.execute(_within(counted, FunnelByDay, since, to)).all()
        found = {step: int(count) for step, count in rows}
        return [_step(step, found.get(step, 0), found.get("created", 0)) for step in STEPS]

    @router.get("/reports/cohorts")
    def cohorts(
        caller: Reader, since: Since = None, to: date | None = None
    ) -> list[dict[str, Any]]:
        """Customers by the month of their first order (between these days): how many of them
        ordered in that month and in each later one, and how often."""
        with db.transaction() as session:
            rows = session.execute(_cohorts(since, to)).all()
        found: dict[date, list[Any]] = {}
        for row in rows:
            found.setdefault(row.first, []).append(row)
        return [_cohort(first, later) for first, later in found.items()]


def _within(found: Any, table: Any, since: date | None, to: date | None) -> Any:
    """What was found, between these days."""
    if since:
        found = found.where(table.day >= since)
    return found.where(table.day <= to) if to else found


def _cohorts(since: date | None, to: date | None) -> Any:
    """The cohorts between these days that somebody belongs to, month by month."""
    found = select(Cohort.__table__).where(Cohort.customers > 0)
    if since:
        found = found.where(Cohort.first >= since.replace(day=1))
    if to:
        found = found.where(Cohort.first <= to)
    return found.order_by(Cohort.first, Cohort.month)


def _shown(row: SalesByDay) -> dict[str, Any]:
    money = {"amount": row.amount, "currency": row.currency}
    return {"day": row.day, "orders": row.orders, "sales": money}


def _step(step: str, orders: int, created: int) -> dict[str, Any]:
    share = round(orders / created, 4) if created else None
    return {"step": step, "orders": orders, "of_created": share}


def _cohort(first: date, months: list[Any]) -> dict[str, Any]:
    size = months[0].customers  # the first month is that of everybody's first order
    shown = [
        {
            "month": row.month,
            "customers": row.customers,
            "orders": row.orders,
            "returning": round(row.customers / size, 4),
        }
        for row in months
    ]
    return {"first_month": first, "customers": size, "months": shown}
