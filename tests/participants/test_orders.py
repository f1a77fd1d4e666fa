"""An order keeps its public status, whatever comes first, twice or late."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from contracts.messages.orders import (
    AdjustOrder,
    ConfirmOrder,
    CreateOrder,
    OrderAccepted,
    OrderAdjusted,
    OrderCreated,
    OrderNotAccepted,
    OrderRejected,
    RejectOrder,
)
from contracts.messages.payable import Payable
from contracts.messages.payments import PaymentAuthorized, PaymentCaptured
from contracts.messages.reviews import ManualReviewRequired
from contracts.messages.shipping import ShippingRequested
from contracts.messages.values import CustomerId, Line, Money, OrderId, SagaId, Sku
from participants.orders.handlers import orders
from tests.participants.bench import Bench, bench, migrated, new_order

WHOSE: dict[str, Any] = {"customer_id": "c", "contact_id": "d"}
TOTAL = Money(amount=500, currency="GBP")
LINE = Line(sku=Sku("A"), quantity=5, unit_price=Money(amount=100, currency="GBP"))
PAYABLE = Payable(goods=500, discount=0, points=0, shipping=0, tax=83, tax_rate=2000, total=TOTAL)


@pytest.fixture
def desk(postgres: str) -> Iterator[Bench]:
    """Orders at work."""
    with bench(orders, migrated(postgres)) as at_work:
        yield at_work


def create(order: OrderId) -> CreateOrder:
    """A command to create it."""
    return CreateOrder(order_id=order, customer_id=CustomerId("c"), lines=(LINE,), payable=PAYABLE)


def standing(desk: Bench, order: OrderId) -> tuple[Any, ...]:
    """The three statuses."""
    query = "SELECT status, payment_status, fulfilment_status FROM orders WHERE id = :id"
    return desk.rows(query, id=order)[0]


def test_an_order_is_created_and_confirmed(desk: Bench) -> None:
    """Confirmed is final."""
    order = new_order()
    assert isinstance(desk.ask(create(order)), OrderCreated)
    assert desk.ask(ConfirmOrder(order_id=order)) == OrderAccepted(order_id=order)
    desk.ask(RejectOrder(order_id=order, reason="late", cancelled=False, **WHOSE))
    assert standing(desk, order)[0] == "confirmed"


def test_a_rejection_that_comes_first_stands(desk: Bench) -> None:
    """The late creation leaves it rejected, and it is never confirmed."""
    order = new_order()
    assert isinstance(
        desk.ask(RejectOrder(order_id=order, reason="no", cancelled=False, **WHOSE)), OrderRejected
    )
    desk.ask(create(order))
    assert isinstance(desk.ask(ConfirmOrder(order_id=order)), OrderNotAccepted)
    assert standing(desk, order)[0] == "rejected"


@pytest.mark.parametrize("turn", list(permutations(range(4))))
def test_events_in_any_order_and_twice_give_the_same_statuses(
    desk: Bench, turn: tuple[int, ...]
) -> None:
    """Later stages are never taken back by earlier ones."""
    order = new_order()
    said: tuple[Any, ...] = (
        create(order),
        PaymentAuthorized(order_id=order, amount=TOTAL, reference="r"),
        PaymentCaptured(order_id=order, amount=TOTAL, reference="r"),
        ShippingRequested(order_id=order, carrier="c", tracking="t"),
    )
    for place in (*turn, *turn):
        desk.send(said[place])
    assert standing(desk, order) == ("pending", "captured", "requested")


def test_what_comes_too_late_is_ignored_and_says_why(desk: Bench) -> None:
    """A stage that is passed is stale, one that is reached a duplicate."""
    order = new_order()
    captured = PaymentCaptured(order_id=order, amount=TOTAL, reference="r")
    authorized = PaymentAuthorized(order_id=order, amount=TOTAL, reference="r")
    first, second, third = desk.send_all([captured, captured, authorized])
    assert desk.receipts(first) == [("handled", 1, "")]
    assert desk.receipts(second) == [
        ("ignored", 1, "duplicate: the payment status is captured already")
    ]
    assert desk.receipts(third) == [("ignored", 1, "stale: the payment status is captured already")]


def test_a_review_shows_until_the_order_has_ended(desk: Bench) -> None:
    """Pending becomes review, review becomes confirmed, and confirmed stays."""
    order = new_order()
    asked = ManualReviewRequired(
        saga_id=SagaId(order),
        order_id=order,
        review_id="r",
        question="?",
        owner="operator",
        **WHOSE,
    )
    desk.ask(create(order))
    desk.send(asked)  # type: ignore[arg-type]  # an event travels as a command does
    assert standing(desk, order)[0] == "review"
    desk.ask(ConfirmOrder(order_id=order))
    desk.send(asked)  # type: ignore[arg-type]
    assert standing(desk, order)[0] == "confirmed"


def test_an_order_that_is_for_less_costs_less(desk: Bench) -> None:
    """It is adjusted to its lines, and says so; again gives the same."""
    order = new_order()
    desk.ask(create(order))
    two = replace(LINE, quantity=2)
    for _ in range(2):
        adjusted = desk.ask(AdjustOrder(order_id=order, lines=(two,)))
        assert isinstance(adjusted, OrderAdjusted)
        assert (adjusted.payable.goods, adjusted.payable.total.amount) == (200, 200)
    query = "SELECT amount, lines->0->>'quantity' FROM orders WHERE id = :id"
    assert desk.rows(query, id=order) == [(200, "2")]
