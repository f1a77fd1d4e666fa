"""What is paid back in parts gives points back in parts."""

from collections.abc import Iterator

import pytest

from contracts.messages.loyalty import RestorePoints
from contracts.messages.returns import OrderRefunded
from contracts.messages.values import CustomerId, Money, OrderId
from participants.loyalty import ledger, points
from participants.loyalty.tables import OrderEarning
from tests.participants.bench import Bench, new_order
from tests.participants.members import (
    balance,
    confirmed,
    entries,
    loyalty_desk,
    member,
    redeem,
    stranger,
)


@pytest.fixture
def desk(postgres: str) -> Iterator[Bench]:
    """Loyalty at work."""
    with loyalty_desk(postgres) as at_work:
        yield at_work


def refunded(
    order: OrderId, customer: CustomerId, part: str, amount: int, of: int
) -> OrderRefunded:
    """The event that a part of so many minor units, and so many points, is paid back."""
    return OrderRefunded(
        order_id=order,
        customer_id=customer,
        return_id=part,
        amount=Money(amount=amount, currency="GBP"),
        points=of,
    )


def test_an_order_that_is_paid_back_in_parts_gives_its_points_back_in_parts(desk: Bench) -> None:
    """As many as each part had earned, and those that had paid for it."""
    customer, order = member(desk, 40), new_order()
    desk.ask(redeem(order, customer, 30))
    desk.send_all([confirmed(order, customer, 2000)])
    desk.send_all([refunded(order, customer, "1", 750, 10)])
    desk.send_all([refunded(order, customer, "2", 1250, 20)])
    told = [("earn", 20), ("reverse", -8), ("restore", 10), ("reverse", -12), ("restore", 20)]
    assert entries(desk, customer)[2:] == told
    assert balance(desk, customer) == 40


@pytest.mark.parametrize("part_first", [True, False])
def test_points_come_back_once_when_an_order_is_cancelled_while_a_parcel_is_given_up(
    desk: Bench, part_first: bool
) -> None:
    """Whichever is heard first."""
    customer, order = member(desk, 40), new_order()
    desk.ask(redeem(order, customer, 30))
    desk.send_all([confirmed(order, customer, 2000)])
    part = refunded(order, customer, "1", 750, 10)
    if part_first:
        desk.send_all([part])
    desk.ask(RestorePoints(order_id=order))
    if not part_first:
        desk.send_all([part])
    restored = [count for operation, count in entries(desk, customer) if operation == "restore"]
    assert sum(restored) == 30


def test_parts_too_small_for_a_point_take_back_as_much_as_the_whole(desk: Bench) -> None:
    """Three times 99 of 297: two points were earned, and none is left."""
    customer, order = stranger(), new_order()
    desk.send_all([confirmed(order, customer, 297)])
    assert balance(desk, customer) == 2
    for part in ("1", "2", "3"):
        desk.send_all([refunded(order, customer, part, 99, 0)])
    assert balance(desk, customer) == 0


def test_an_order_earns_once_whatever_its_confirmation_is_called(desk: Bench) -> None:
    """The rule by itself: the inbox would not let the same event in twice."""
    customer, order = member(desk, 1), new_order()
    for _ in range(2):
        with desk.host.db.transaction() as session:
            ledger.lock(session, {customer})
            session.load(OrderEarning, {order})
            points.earn(session, order, customer, 500)
    assert balance(desk, customer) == 6
