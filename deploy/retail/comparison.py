"""Compares what the platform made of the import with the file's own sums, over HTTP.

Orders are known by id. The sales by day and the counts of stock have no ids: they are compared with
how they stood before, which is only possible while nobody else's orders came in between.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy.retail.calls import Calls, at, in_flight
from deploy.retail.costs import Cost
from deploy.retail.days import Day, Sales, days, less
from deploy.retail.invoices import Invoice, Reading
from deploy.retail.memory import Memory
from deploy.retail.order import CURRENCY
from deploy.retail.stock import NOTHING, all_of
from side_effects.trail.tables import FINAL

TAKEN = ("captured", "partly refunded", "refunded")
CONFIRMED = "concerto.OrderConfirmed.v1"
ORDERS, REPORT, STOCK = "orders", "analytics' report", "stock"
APART = "others ordered meanwhile, which {} cannot tell apart: not compared"
AT_ONCE = 4
Ours = Mapping[str, Invoice]


@dataclass(frozen=True)
class Compared:
    """One sum of the file and what the platform has; money in pennies."""

    where: str
    what: str
    file: int
    platform: int
    money: bool = False

    @property
    def difference(self) -> int:
        """Positive when the platform has too much; 0 when equal."""
        return self.platform - self.file


@dataclass
class Comparison:
    """All that was compared, and what could not be."""

    rows: list[Compared] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    days: list[Day] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not any(row.difference for row in self.rows)


def compare(calls: Calls, reading: Reading, ours: Ours, memory: Memory, whole: bool) -> Comparison:
    """Compare orders and the report; if `whole`, stock and the subscribers' deliveries as well."""
    comparison = Comparison()
    seen, foreign = _orders(calls, ours)
    comparison.rows += _order_rows(reading, seen)
    if foreign or memory.sales is None:
        comparison.notes.append(APART.format("the report of sales" + " and stock" * whole))
    else:
        since = less(sales(calls), memory.sales)
        comparison.days = days(reading.invoices, ours, since)
        comparison.rows += sales_rows(REPORT, reading, comparison.days)
        comparison.rows += _stock_rows(calls, reading, memory) if whole else ()
    comparison.rows += _delivery_rows(calls, reading, ours) if whole else ()
    return comparison


def sales(calls: Calls) -> Sales:
    """How many orders the report counts on each day, and their sum in pennies."""
    reported = calls.get("/reports/sales")
    return {
        day["day"]: (day["orders"], day["sales"]["amount"])
        for day in reported
        if day["sales"]["currency"] == CURRENCY
    }


def sales_rows(where: str, reading: Reading, compared: list[Day]) -> Iterator[Compared]:
    """The sums of all days, and how many days have another."""
    orders, money = (sum(day.platform[place] for day in compared) for place in (0, 1))
    yield Compared(where, "orders", len(reading.invoices), orders)
    yield Compared(where, "money", reading.cost.paid, money, True)
    yield Compared(where, "days that differ", 0, sum(day.differs for day in compared))


def orders_since(calls: Calls, ours: Ours) -> Iterator[dict[str, Any]]:
    """Every order from the newest to our oldest, ours or not."""
    oldest = min(ours, default="")
    for page in calls.pages("/orders", "orders") if ours else ():
        newer = [order for order in page if order["id"] >= oldest]
        yield from newer
        if len(newer) < len(page):
            break


def _orders(calls: Calls, ours: Ours) -> tuple[Counter[str], int]:
    """The sums of our confirmed orders, and how many newer ones are not ours."""
    seen: Counter[str] = Counter()
    foreign = 0
    for order in orders_since(calls, ours):
        if order["id"] in ours:
            _count(seen, order)
        else:
            foreign += 1
    return seen, foreign


def _count(seen: Counter[str], order: dict[str, Any]) -> None:
    if order["status"] == "confirmed":
        seen["orders"] += 1
        seen["lines"] += len(order["lines"])
        seen["units"] += sum(line["quantity"] for line in order["lines"])
        parts = {part["part"]: part["amount"]["amount"] for part in order["payable"]}
        seen["promotions"] -= parts["promotion"]
        seen["points"] -= parts["points"]
        seen["money"] += order["total"]["amount"]
    if order["payment_status"] in TAKEN:
        seen["captured"] += order["total"]["amount"]


def _order_rows(reading: Reading, seen: Counter[str]) -> Iterator[Compared]:
    taken, cost = reading.taken(), reading.cost
    yield Compared(ORDERS, "orders confirmed", len(reading.invoices), seen["orders"])
    yield Compared(ORDERS, "lines", taken.lines, seen["lines"])
    yield Compared(ORDERS, "units", taken.units, seen["units"])
    yield from _money_rows(cost, seen)
    yield Compared(ORDERS, "money captured", cost.paid, seen["captured"], True)


def _money_rows(cost: Cost, seen: Counter[str]) -> Iterator[Compared]:
    """What is paid, and, where a rule gave promotions and points, how that makes up the goods."""
    yield Compared(ORDERS, "money", cost.paid, seen["money"], True)
    if cost.goods != cost.paid:
        yield Compared(ORDERS, "promotions", cost.discount, seen["promotions"], True)
        yield Compared(ORDERS, "points", cost.points, seen["points"], True)
        made_up = seen["money"] + seen["promotions"] + seen["points"]
        yield Compared(ORDERS, "all three: goods", cost.goods, made_up, True)


def _stock_rows(calls: Calls, reading: Reading, memory: Memory) -> Iterator[Compared]:
    needed = reading.units_by_sku()
    received, shipped = Counter[str](), Counter[str]()
    standing = all_of(calls)
    for sku in needed:
        found = standing.get(sku, NOTHING)
        received[sku] = found["received"] - memory.stock[sku][0]
        shipped[sku] = found["shipped"] - memory.stock[sku][1]
    units = sum(needed.values())
    wrong = sum(shipped[sku] != wanted for sku, wanted in needed.items())
    yield Compared(STOCK, "units received", units, sum(received.values()))
    yield Compared(STOCK, "units shipped", units, sum(shipped.values()))
    yield Compared(STOCK, "SKUs that differ", 0, wrong)


def _delivery_rows(calls: Calls, reading: Reading, ours: Ours) -> Iterator[Compared]:
    """For each subscriber of OrderConfirmed: how many of our orders it has handled, or ignored
    with a reason."""
    handled: Counter[str] = Counter()
    known = _confirmations(calls, ours)
    for _, deliveries in in_flight(
        lambda event: calls.get(f"{at('/events', event)}/deliveries"), known, AT_ONCE
    ):
        for delivery in deliveries:
            handled[delivery["subscriber"]] += delivery["state"] in FINAL
    yield Compared("trail", "OrderConfirmed", len(reading.invoices), len(known))
    for subscriber, count in sorted(handled.items()):
        yield Compared(subscriber, "orders handled", len(reading.invoices), count)


def _confirmations(calls: Calls, ours: Ours) -> list[str]:
    """The ids of our orders' confirmations, from the newest event to our oldest order."""
    found: list[str] = []
    oldest = min(ours, default="")[:13]  # an event's id begins with its order's time
    for page in calls.pages("/events", "events") if ours else ():
        found += [e["id"] for e in page if e["type"] == CONFIRMED and e["subject"] in ours]
        if not page or page[-1]["id"][:13] < oldest:
            break
    return found
