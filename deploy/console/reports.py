"""Reports: sales by day, failures, the funnel, and who comes back; each a plot with its table."""

from itertools import groupby
from typing import Any

from fastapi import APIRouter, Response

from deploy.console import charts
from deploy.console.api import Told, path_of
from deploy.console.formats import money, percent
from deploy.console.visit import Guest

REASONS_SHOWN = 12


def routes(router: APIRouter) -> None:
    """The page of the reports."""

    @router.get("/reports")
    async def reports(guest: Guest, since: str = "", to: str = "") -> Response:
        """All reports between two days."""
        days = {"from": since, "to": to}
        names = ("sales", "failures", "funnel", "cohorts")
        told = await guest.api.all(**{name: path_of(f"/reports/{name}", **days) for name in names})
        plots = {
            "sales_plots": _sales(told["sales"]),
            "failures_plot": _failures(told["failures"]),
            "funnel_plot": _funnel(told["funnel"]),
        }
        return guest.page("reports", since=since, to=to, **told, **plots)


def _sales(told: Told) -> dict[str, Any]:
    """A plot for each currency."""
    rows = sorted(_rows(told), key=lambda row: str(row["sales"]["currency"]))
    by = groupby(rows, key=lambda row: str(row["sales"]["currency"]))
    return {
        currency: charts.days(
            f"Sales by day in {currency}",
            [(row["day"], row["sales"]["amount"], money(row["sales"])) for row in days],
        )
        for currency, days in by
    }


def _failures(told: Told) -> Any:
    rows = _rows(told)[:REASONS_SHOWN]
    values = [
        (f"{row['kind']}: {row['reason']}", row["orders"], str(row["orders"])) for row in rows
    ]
    return charts.bars("Failures by reason", values)


def _funnel(told: Told) -> Any:
    values = [
        (row["step"], row["orders"], f"{row['orders']} ({percent(row['of_created'])})")
        for row in _rows(told)
    ]
    return charts.bars("How far orders came", values)


def _rows(told: Told) -> list[dict[str, Any]]:
    return list(told.said) if told.ok else []
