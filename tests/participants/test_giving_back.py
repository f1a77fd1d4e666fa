"""All that is given back for an order adds up to what it cost, and its statuses follow."""

from collections.abc import Iterator
from itertools import permutations
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from contracts.messages.payments import PaymentCaptured, PaymentRefunded, PaymentReturned
from contracts.messages.returns import RegisterReturn, ReturnLine, WithdrawReturn
from contracts.messages.shipping import OrderDelivered, OrderShipped
from contracts.messages.values import Money, OrderId, Sku
from participants.orders.handlers import orders
from participants.orders.payable import share
from tests.participants.bench import Bench, bench, migrated
from tests.participants.goods import bought, line, sent_order, standing

SKUS = ("A", "B", "C")
LINES = st.lists(
    st.tuples(st.sampled_from(SKUS), st.integers(1, 4), st.integers(0, 5000)),
    min_size=1,
    max_size=4,
)


class Part(NamedTuple):
    """A return of so many units of a SKU, and whether it is withdrawn after the next ones."""

    sku: str
    units: int
    withdrawn: bool


PARTS = st.lists(st.builds(Part, st.sampled_from(SKUS), st.integers(1, 3), st.booleans()))


@pytest.fixture(scope="module")
def desk(postgres: str) -> Iterator[Bench]:
    """Orders at work."""
    with bench(orders, migrated(postgres)) as at_work:
        yield at_work


def give(desk: Bench, order: OrderId, number: int, part: Part | None = None) -> tuple[int, int]:
    """Register a return of this part, or of all that is left: the amount and points for it."""
    lines = (ReturnLine(sku=Sku(part.sku), quantity=part.units),) if part else ()
    return_id = f"{order}-{number}"
    answer = desk.ask(
        RegisterReturn(order_id=order, return_id=return_id, lines=lines, received=not part)
    )
    return (answer.amount.amount, answer.points) if hasattr(answer, "amount") else (0, 0)


def pence(amount: int) -> Money:
    """So many pence."""
    return Money(amount=amount, currency="GBP")


def refunded(order: OrderId, which: str, amount: int) -> PaymentRefunded:
    """The event that so much was given back."""
    return PaymentRefunded(
        order_id=order, refund_id=f"{order}-{which}", amount=pence(amount), reference="re"
    )


def paid_back(desk: Bench, order: OrderId) -> int:
    """What was given back of the order, in pence."""
    (found,) = desk.rows("SELECT refunded FROM orders WHERE id = :id", id=order)
    return sum(found[0].values())


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(LINES, st.integers(0, 100), st.integers(0, 9000), st.integers(0, 999), PARTS)
@example([("A", 1, 100), ("B", 1, 100)], 0, 100, 0, [Part("A", 1, True), Part("B", 1, False)])
@example([("A", 3, 100)], 0, 0, 399, [Part("A", 2, True), Part("A", 1, False)])
def test_all_returns_add_up_to_what_the_order_cost(
    desk: Bench,
    lines: list[tuple[str, int, int]],
    percent: int,
    points: int,
    shipping: int,
    parts: list[Part],
) -> None:
    """To the penny and to the point, whatever is withdrawn in between; never less than nothing."""
    goods = sum(units * price for _, units, price in lines)
    discount = share(goods, percent, 100)
    wanted = bought(
        *(line(*each) for each in lines), discount=discount, points=points, shipping=shipping
    )
    order = sent_order(desk, wanted)
    given_back = [give(desk, order, number, part) for number, part in enumerate(parts)]
    for number, part in enumerate(parts):
        if part.withdrawn:
            desk.ask(WithdrawReturn(order_id=order, return_id=f"{order}-{number}"))
            given_back[number] = (0, 0)
    given_back.append(give(desk, order, len(parts)))
    assert all(amount >= 0 and points >= 0 for amount, points in given_back)
    assert [sum(each) for each in zip(*given_back, strict=True)] == [
        wanted.payable.total.amount,
        wanted.payable.points,
    ]


def test_the_cost_of_sending_goes_back_with_the_last_unit(desk: Bench) -> None:
    """And not a second time when the return before it is withdrawn and made again."""
    order = sent_order(desk, bought(line("A", 2, 1000), shipping=399))
    one = Part("A", 1, False)
    assert [give(desk, order, number, one) for number in (1, 2)] == [(1000, 0), (1399, 0)]
    desk.ask(WithdrawReturn(order_id=order, return_id=f"{order}-1"))
    assert give(desk, order, 3) == (1000, 0)


def test_money_goes_back_before_points(desk: Bench) -> None:
    """Of three units for 20.00 and 1000 points: money twice, then the points."""
    order = sent_order(desk, bought(line("A", 3, 1000), points=1000))
    one = Part("A", 1, False)
    given_back = [give(desk, order, number, one) for number in range(3)]
    assert given_back == [(1000, 0), (1000, 0), (0, 1000)]


def test_an_order_is_partly_refunded_and_then_refunded(desk: Bench) -> None:
    """A refund that is told again under another id counts once; a late capture changes nothing."""
    order = sent_order(desk, bought(line("A", 2, 250)))
    for _ in range(2):
        desk.send_all([refunded(order, "1", 250)])
        assert standing(desk, order)[1] == "partly refunded"
        assert paid_back(desk, order) == 250
    desk.send_all([refunded(order, "2", 250)])
    desk.send_all([PaymentCaptured(order_id=order, amount=pence(500), reference="r")])
    assert (standing(desk, order)[1], paid_back(desk, order)) == ("refunded", 500)


@pytest.mark.parametrize(("amount", "status"), [(500, "refunded"), (0, "voided")])
def test_a_payment_that_is_returned_is_refunded_or_voided(
    desk: Bench, amount: int, status: str
) -> None:
    """As something was taken or was not; told twice, it is given back once."""
    order = sent_order(desk, bought(line("A", 2, 250)))
    desk.send_all([PaymentReturned(order_id=order, amount=pence(amount))] * 2)
    assert (standing(desk, order)[1], paid_back(desk, order)) == (status, amount)


@pytest.mark.parametrize("turn", list(permutations(range(5))))
def test_what_is_told_in_any_order_gives_the_same_statuses(
    desk: Bench, turn: tuple[int, ...]
) -> None:
    """Delivered stands against shipped, refunded against captured, in one batch and in five."""
    one, other = (sent_order(desk, bought(line("A", 2, 250))) for _ in range(2))
    parcel: Any = {"carrier": "c", "tracking": "t"}

    def told(order: OrderId) -> list[Any]:
        said = [
            PaymentCaptured(order_id=order, amount=pence(500), reference="r"),
            refunded(order, "1", 200),
            refunded(order, "2", 300),
            OrderShipped(order_id=order, **parcel),
            OrderDelivered(order_id=order, **parcel),
        ]
        return [said[place] for place in turn]

    desk.send_all(told(one))
    for each in told(other):
        desk.send_all([each])
    assert standing(desk, one) == ("confirmed", "refunded", "delivered")
    assert standing(desk, other) == standing(desk, one)
