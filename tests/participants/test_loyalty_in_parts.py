"""What is paid back in parts gives points back in parts."""

from collections.abc import Iterator

import pytest

from contracts.messages.returns import OrderRefunded
from contracts.messages.values import CustomerId, Money, OrderId
from tests.participants.bench import Bench, new_order
from tests.participants.members import balance, confirmed, entries, loyalty_desk, member, redeem


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
    desk.send_all([refunded(order, customer, "1", 700, 10)])
    desk.send_all([refunded(order, customer, "2", 1300, 20)])
    told = [("earn", 20), ("reverse", -7), ("restore", 10), ("reverse", -13), ("restore", 20)]
    assert entries(desk, customer)[2:] == told
    assert balance(desk, customer) == 40
