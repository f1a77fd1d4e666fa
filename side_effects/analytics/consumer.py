"""START HERE: how events become sums. The rows a batch adds to are locked and loaded together."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date
from typing import Any

from sqlalchemy.orm import Session

from contracts.delivery.service import Rows, Service
from contracts.messages.orders import OrderConfirmed
from contracts.messages.users import UserRegistered
from contracts.messages.values import time_of
from side_effects.analytics.tables import AppliedOrder, Registrations, SalesByDay, SalesBySku

analytics = Service("analytics")


def _day(identifier: str) -> date:
    """The day an id was made, in UTC: an order counts on the day it was submitted."""
    return time_of(identifier).astimezone(UTC).date()


def _sums(events: Sequence[OrderConfirmed]) -> Iterable[Rows]:
    return (
        (SalesByDay, {(_day(event.order_id), event.total.currency) for event in events}),
        (
            SalesBySku,
            {(line.sku, line.unit_price.currency) for event in events for line in event.lines},
        ),
    )


def _days(events: Sequence[UserRegistered]) -> Iterable[Rows]:
    return ((Registrations, {_day(event.contact_id) for event in events}),)


@analytics.on(OrderConfirmed, loads=_sums)
def sold(event: OrderConfirmed, session: Session) -> None:
    """Add the order to its day and its lines to their SKUs."""
    day = _row(session, SalesByDay, day=_day(event.order_id), currency=event.total.currency)
    day.orders += 1
    day.amount += event.total.amount
    for line in event.lines:
        sku = _row(session, SalesBySku, sku=line.sku, currency=line.unit_price.currency)
        sku.quantity += line.quantity
        sku.amount += line.quantity * line.unit_price.amount
    total = event.total
    session.add(AppliedOrder(order_id=event.order_id, currency=total.currency, amount=total.amount))


@analytics.on(UserRegistered, loads=_days)
def registered(event: UserRegistered, session: Session) -> None:
    """Count the person."""
    day = _day(event.contact_id)
    row = session.get(Registrations, day)
    if row is None:
        row = Registrations(day=day, people=0)
        session.add(row)
    row.people += 1


def _row(session: Session, mapped: Any, **key: Any) -> Any:
    """The sum with this key; a new one starts at zero."""
    row = session.get(mapped, tuple(key.values()))
    if row is None:
        sums = {c.name: 0 for c in mapped.__table__.columns if not c.primary_key}
        row = mapped(**key, **sums)
        session.add(row)
    return row
