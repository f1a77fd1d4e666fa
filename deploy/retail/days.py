"""The sales of each day: what the file and the rule say, beside what analytics reports.

An order is sold on the day the file says; where it says none, on that of its submission here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from contracts.messages.values import time_of
from deploy.retail.costs import Cost
from deploy.retail.invoices import Invoice

Sales = Mapping[str, tuple[int, int]]  # by day: how many orders, and their sum in pennies
NOTHING = (0, 0)


@dataclass(frozen=True)
class Day:
    """One day of the file, and how many orders and pennies of it the platform has."""

    day: str
    orders: int
    cost: Cost
    platform: tuple[int, int]

    @property
    def differs(self) -> bool:
        """Whether the platform has other sales than the file."""
        return self.platform != (self.orders, self.cost.paid)


def days(invoices: Iterable[Invoice], ours: Mapping[str, Invoice], platform: Sales) -> list[Day]:
    """Every day on which either has sales, the first one first."""
    submitted_at = {invoice.number: time_of(order) for order, invoice in ours.items()}
    found: dict[str, tuple[int, Cost]] = {}
    for invoice in invoices:
        if at := invoice.placed_at or submitted_at.get(invoice.number):
            orders, cost = found.get(_day(at), (0, Cost()))
            found[_day(at)] = orders + 1, cost + invoice.cost
    return [
        Day(day, *found.get(day, (0, Cost())), platform.get(day, NOTHING))
        for day in sorted({*found, *platform})
    ]


def less(sales: Sales, before: Sales) -> Sales:
    """What has been added since `before`; a day to which nothing was is none."""
    added = {
        day: (orders - before.get(day, NOTHING)[0], amount - before.get(day, NOTHING)[1])
        for day, (orders, amount) in sales.items()
    }
    return {day: some for day, some in added.items() if some != NOTHING}


def _day(at: datetime) -> str:
    return at.astimezone(UTC).date().isoformat()
