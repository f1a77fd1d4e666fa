"""What a batch adds to the reporting tables: summed first, then added in one statement a table.

A sale counts on the day the order was placed. A step or a failure counts on the day the order was
submitted, which its id begins with: the two differ for past orders alone, which went their way here
and now. An order counts once in each step and kind of failure, though a command that is sent again
may be answered by a second event.
"""

import re
from collections import Counter, defaultdict
from datetime import UTC, date
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from contracts.messages.orders import OrderConfirmed
from contracts.messages.values import time_of
from contracts.runtime.bulk import add_up, among, given, packed
from contracts.runtime.session import BatchSession
from side_effects.analytics.tables import (
    Cohort,
    CustomerMonth,
    FailuresByDay,
    FunnelByDay,
    ReachedStep,
    SalesByDay,
    SalesBySku,
)

REASON_CHARACTERS = 100
KEY = ("order_id", "step")
reached: Any = ReachedStep.__table__


class Step(NamedTuple):
    """An order came to a step of the funnel."""

    order_id: str
    step: str


class Failure(NamedTuple):
    """An order had this kind of failure, for this code or reason."""

    order_id: str
    step: str
    reason: str


def add(session: BatchSession, heard: list[OrderConfirmed | Step | Failure]) -> None:
    """Add what a batch has heard. Two batches add one after the other: they meet in the rows of
    today anyway, and would take them in different orders."""
    steps = [one for one in heard if not isinstance(one, OrderConfirmed)]
    session.execute(_ONE_BY_ONE)
    new = _first(session, steps)
    _add_sales(session, [one for one in heard if isinstance(one, OrderConfirmed)])
    counts = Counter((day_of(one.order_id), one.step) for one in new if isinstance(one, Step))
    add_up(session, FunnelByDay.__table__, _counted(counts))
    failed = (one for one in new if isinstance(one, Failure))
    reasons = Counter((day_of(one.order_id), one.step, _plain(one.reason)) for one in failed)
    add_up(session, FailuresByDay.__table__, _counted(reasons))


def day_of(identifier: str) -> date:
    """The day an id was made, in UTC."""
    return time_of(identifier).astimezone(UTC).date()


def placed_on(order: OrderConfirmed) -> date:
    """The day the order was placed, in UTC; that of its submission unless it is a past one."""
    return order.placed_at.astimezone(UTC).date() if order.placed_at else day_of(order.order_id)


def _add_sales(session: BatchSession, events: list[OrderConfirmed]) -> None:
    """Add orders to their days, their lines to their SKUs, them to their customers' months, and
    those to their cohorts."""
    if not events:
        return
    days: defaultdict[Any, list[int]] = defaultdict(lambda: [0, 0])
    skus: defaultdict[Any, list[int]] = defaultdict(lambda: [0, 0])
    months = Counter((event.customer_id, placed_on(event).replace(day=1)) for event in events)
    _add_cohorts(session, months)
    for event in events:
        _plus(days[placed_on(event), event.total.currency], 1, event.total.amount)
        for line in event.lines:
            amount = line.quantity * line.unit_price.amount
            _plus(skus[line.sku, line.unit_price.currency], line.quantity, amount)
    add_up(session, SalesByDay.__table__, days)
    add_up(session, SalesBySku.__table__, skus)
    add_up(session, CustomerMonth.__table__, _counted(months))


def _add_cohorts(session: BatchSession, new: Counter[Any]) -> None:
    """Take these customers out of their cohorts, and add them with what they have ordered now: who
    is heard to have ordered earlier belongs to another cohort, with all later months."""
    known: defaultdict[str, Counter[date]] = defaultdict(Counter)
    for row in session.execute(_MONTHS, {"among": sorted({customer for customer, _ in new})}):
        known[row.customer_id][row.month] = row.orders
    sums: defaultdict[Any, list[int]] = defaultdict(lambda: [0, 0])
    for before in known.values():
        for month, orders in before.items():
            _plus(sums[min(before), month], -1, -orders)
    for (customer, month), orders in new.items():
        known[customer][month] += orders
    for after in known.values():
        for month, orders in after.items():
            _plus(sums[min(after), month], 1, orders)
    add_up(session, Cohort.__table__, sums)


def _first(session: BatchSession, steps: list[Step | Failure]) -> list[Step | Failure]:
    """Those of an order and step that were not known, which they are from now on."""
    by_key = {one[:2]: one for one in steps}
    rows = [dict(zip(KEY, key, strict=True)) for key in sorted(by_key)]
    new = session.execute(_REACH, {"rows": packed(rows)}) if rows else ()
    return [by_key[tuple(row)] for row in new]


def _reach() -> Any:
    rows = given(reached, KEY)
    told = insert(reached).from_select(KEY, select(*(rows.c[name] for name in KEY)))
    return told.on_conflict_do_nothing().returning(*(reached.c[name] for name in KEY))


_REACH = _reach()
_MONTHS = select(CustomerMonth.__table__).where(among(CustomerMonth.__table__.c.customer_id))
_ONE_BY_ONE = select(func.pg_advisory_xact_lock(func.hashtext("analytics")))


def _plain(reason: str) -> str:
    """A reason without its numbers, so that those which differ in nothing else count as one."""
    return re.sub(r"\d+", "#", reason)[:REASON_CHARACTERS]


def _counted(counts: Counter[Any]) -> dict[Any, tuple[int]]:
    return {key: (count,) for key, count in counts.items()}


def _plus(sums: list[int], *more: int) -> None:
    sums[:] = map(sum, zip(sums, more, strict=True))
