"""Customers with points, loyalty at work for them, and what its tables say of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from contracts.messages.loyalty import RedeemPoints
from contracts.messages.orders import OrderCancelled, OrderConfirmed
from contracts.messages.values import ContactId, CustomerId, Money, OrderId
from participants.loyalty import ledger, points
from participants.loyalty.handlers import loyalty
from tests.participants.bench import Bench, bench, migrated

NUMBERS = count(1)


@contextmanager
def loyalty_desk(admin_url: str) -> Iterator[Bench]:
    """Loyalty at work."""
    with bench(loyalty, migrated(admin_url)) as at_work:
        yield at_work


def stranger() -> CustomerId:
    """A customer nobody has heard of."""
    return CustomerId(f"customer-{next(NUMBERS)}")


def guest() -> CustomerId:
    """Somebody who will not come back."""
    return CustomerId(f"guest-{next(NUMBERS)}")


def member(desk: Bench, given: int) -> CustomerId:
    """A new customer with so many points."""
    customer = stranger()
    with desk.host.db.transaction() as session:
        ledger.lock(session, {customer})
        points.adjust(session, customer, given, "welcome")
    return customer


def redeem(order: OrderId, customer: CustomerId, wanted: int) -> RedeemPoints:
    """A command to take these points for the order."""
    return RedeemPoints(order_id=order, customer_id=customer, points=wanted)


def confirmed(order: OrderId, customer: CustomerId, amount: int) -> OrderConfirmed:
    """The event that an order of so many minor units is confirmed."""
    total = Money(amount=amount, currency="GBP")
    contact = ContactId(order)
    return OrderConfirmed(
        order_id=order, customer_id=customer, contact_id=contact, lines=(), total=total
    )


def cancelled(order: OrderId) -> OrderCancelled:
    """The event that a confirmed order is cancelled."""
    return OrderCancelled(order_id=order, reason="changed my mind", confirmed=True)


def balance(desk: Bench, customer: str) -> int | None:
    """What the account says; None where there is none."""
    found = desk.rows("SELECT balance FROM points_accounts WHERE customer_id = :c", c=customer)
    return found[0][0] if found else None


def entries(desk: Bench, customer: str) -> list[tuple[Any, ...]]:
    """The ledger of this customer."""
    query = "SELECT operation, points FROM points_entries WHERE customer_id = :c ORDER BY id"
    return desk.rows(query, c=customer)
