"""START HERE: how events become sums."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date
from typing import Any

from contracts.delivery.service import Rows, Service
from contracts.messages.orders import OrderConfirmed
from contracts.messages.users import UserRegistered
from contracts.messages.values import time_of
from contracts.runtime.bulk import add_up
from contracts.runtime.session import BatchSession
from side_effects.analytics.tables import AppliedOrder, Registrations, SalesByDay, SalesBySku

analytics = Service("analytics")


def _day(identifier: str) -> date:
    """The day an id was made, in UTC: an order counts on the day it was submitted."""
    return time_of(identifier).astimezone(UTC).date()


def _days(events: Sequence[UserRegistered]) -> Iterable[Rows]:
    return ((Registrations, {_day(event.contact_id) for event in events}),)


@analytics.on(OrderConfirmed)
def sold(event: OrderConfirmed, session: BatchSession) -> None:
    """Add the order to its day and its lines to their SKUs."""
    session.later(_add, event)
    total = event.total
    session.add(AppliedOrder(order_id=event.order_id, currency=total.currency, amount=total.amount))


@analytics.on(UserRegistered, loads=_days)
def registered(event: UserRegistered, session: BatchSession) -> None:
    """Count the person."""
    day = _day(event.contact_id)
    row = session.get(Registrations, day)
    if row is None:
        row = Registrations(day=day, people=0)
        session.add(row)
    row.people += 1


def _add(session: BatchSession, events: list[OrderConfirmed]) -> None:
    """What a batch adds is summed, and added in one statement a table."""
    days: defaultdict[Any, list[int]] = defaultdict(lambda: [0, 0])
    skus: defaultdict[Any, list[int]] = defaultdict(lambda: [0, 0])
    for event in events:
        _plus(days[_day(event.order_id), event.total.currency], 1, event.total.amount)
        for line in event.lines:
            amount = line.quantity * line.unit_price.amount
            _plus(skus[line.sku, line.unit_price.currency], line.quantity, amount)
    add_up(session, SalesByDay.__table__, days)
    add_up(session, SalesBySku.__table__, skus)


def _plus(sums: list[int], *more: int) -> None:
    sums[:] = map(sum, zip(sums, more, strict=True))
