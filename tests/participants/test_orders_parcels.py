"""An order in several parcels: what each costs, how far the order is, what is given up."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from contracts.messages.orders import ConfirmOrder, CreateOrder
from contracts.messages.parcels import (
    GiveUpParcel,
    OpenParcel,
    ParcelForgotten,
    ParcelNotOpened,
    ParcelOpened,
)
from contracts.messages.payable import Payable
from contracts.messages.payments import (
    PaymentAuthorized,
    PaymentCaptured,
    PaymentClosed,
    PaymentReturned,
)
from contracts.messages.returns import (
    CancelOrder,
    LockOrder,
    OrderRefunded,
    RegisterReturn,
    ReturnAccepted,
    ReturnLine,
    ReturnRefused,
)
from contracts.messages.shipping import OrderDelivered, OrderShipped, ParcelLost, ShippingRequested
from contracts.messages.values import CustomerId, Line, Money, OrderId, Sku
from participants.orders.handlers import orders
from participants.orders.statuses import fulfilled
from tests.participants.bench import Bench, bench, migrated, new_order

MOVED = {"requested": ShippingRequested, "shipped": OrderShipped, "delivered": OrderDelivered}


def pence(amount: int) -> Money:
    return Money(amount=amount, currency="GBP")


def line(sku: str, price: int, quantity: int = 1) -> Line:
    return Line(sku=Sku(sku), quantity=quantity, unit_price=pence(price))


LINES = (line("A", 333), line("B", 333), line("C", 334, 2))
PAYABLE = Payable(
    goods=1334, discount=100, points=51, shipping=399, tax=0, tax_rate=0, total=pence(1582)
)


@pytest.fixture
def desk(postgres: str) -> Iterator[Bench]:
    """Orders at work."""
    with bench(orders, migrated(postgres)) as at_work:
        yield at_work


def confirmed(desk: Bench) -> OrderId:
    order = new_order()
    create = CreateOrder(order_id=order, customer_id=CustomerId("c"), lines=LINES, payable=PAYABLE)
    desk.send_all([create, ConfirmOrder(order_id=order)])
    return order


def opening(order: OrderId, parcel: int, of: int = 3) -> OpenParcel:
    return OpenParcel(
        order_id=order, parcel=parcel, of=of, warehouse="main", lines=(LINES[parcel - 1],)
    )


def standing(desk: Bench, order: OrderId) -> tuple[Any, ...]:
    """Payment and fulfilment."""
    query = "SELECT payment_status, fulfilment_status FROM orders WHERE id = :id"
    return desk.rows(query, id=order)[0]


def moved(order: OrderId, parcel: int, *stages: str) -> list[Any]:
    told: dict[str, Any] = {"order_id": order, "carrier": "c", "tracking": "t", "parcel": parcel}
    return [MOVED[stage](**told) for stage in stages]


def captured(order: OrderId, parcel: int) -> PaymentCaptured:
    return PaymentCaptured(order_id=order, amount=pence(1), reference="r", parcel=parcel)


@pytest.mark.parametrize("turn", list(permutations((1, 2, 3))))
def test_the_parts_add_up_to_the_penny_whichever_is_opened_first(
    desk: Bench, turn: tuple[int, ...]
) -> None:
    """What one costs is fixed when it is opened, and the same when it is asked for again."""
    order = confirmed(desk)
    first = [desk.ask(opening(order, parcel)) for parcel in turn]
    again = [desk.ask(opening(order, parcel)) for parcel in turn]
    assert first == again
    assert all(isinstance(each, ParcelOpened) for each in first)
    assert sum(each.amount.amount for each in first) == PAYABLE.total.amount
    parcels = desk.rows("SELECT parcels FROM orders WHERE id = :id", id=order)[0][0]
    assert sum(parcel["points"] for parcel in parcels.values()) == PAYABLE.points
    assert all(each.amount.amount > 0 for each in first)


def test_the_order_is_as_far_as_its_last_parcel_and_partly_as_its_first(desk: Bench) -> None:
    order = confirmed(desk)
    for parcel in (1, 2, 3):
        desk.ask(opening(order, parcel))
    for events, expected in (
        (moved(order, 1, "requested"), "requested"),
        (moved(order, 1, "shipped"), "partly shipped"),
        (
            [*moved(order, 2, "requested", "shipped"), *moved(order, 3, "requested")],
            "partly shipped",
        ),
        (moved(order, 3, "shipped"), "shipped"),
        (moved(order, 1, "delivered"), "partly delivered"),
        (moved(order, 2, "delivered", "shipped"), "partly delivered"),
        (moved(order, 3, "delivered"), "delivered"),
    ):
        desk.send_all(events)
        assert standing(desk, order)[1] == expected


def test_a_lost_parcel_is_seen_at_the_order(desk: Bench) -> None:
    order = confirmed(desk)
    for parcel in (1, 2, 3):
        desk.ask(opening(order, parcel))
    desk.send_all([*moved(order, 1, "requested", "shipped", "delivered")])
    desk.send_all([ParcelLost(order_id=order, carrier="c", tracking="t", parcel=2)])
    assert standing(desk, order)[1] == "lost"


def test_the_money_is_partly_captured_until_the_last_part_is(desk: Bench) -> None:
    """Closing says it too, where one was given up before it was paid for."""
    held = PaymentAuthorized(order_id=new_order(), amount=pence(1), reference="r")
    one, other = confirmed(desk), confirmed(desk)
    for order in (one, other):
        desk.send_all([replace(held, order_id=order)])
        for parcel in (1, 2, 3):
            desk.ask(opening(order, parcel))
        desk.send_all([captured(order, 1), captured(order, 2)])
        assert standing(desk, order)[0] == "partly captured"
    desk.send_all([captured(one, 3)])
    desk.ask(GiveUpParcel(order_id=other, parcel=3))
    desk.send_all([PaymentClosed(order_id=other, taken=pence(2))])
    assert [standing(desk, order)[0] for order in (one, other)] == ["captured"] * 2


def test_what_is_given_up_counts_as_returned_and_does_not_hold_the_others_up(
    desk: Bench,
) -> None:
    """Once, however often it is said; the customer gets its points back."""
    order = confirmed(desk)
    opened = {parcel: desk.ask(opening(order, parcel)) for parcel in (1, 2, 3)}
    told = [desk.ask(GiveUpParcel(order_id=order, parcel=3)) for _ in range(2)]
    assert told[0] == told[1]
    assert isinstance(told[0], OrderRefunded)
    assert (told[0].amount, told[0].points > 0) == (opened[3].amount, True)
    desk.send_all([PaymentReturned(order_id=order, amount=opened[3].amount, parcel=3)])
    for parcel in (1, 2):
        desk.send_all(moved(order, parcel, "requested", "shipped", "delivered"))
    assert standing(desk, order) == ("partly refunded", "delivered")
    query = "SELECT count(*), sum(amount) FROM returns WHERE order_id = :id"
    assert desk.rows(query, id=order) == [(1, opened[3].amount.amount)]


def test_all_returns_and_what_was_given_up_add_up_to_what_the_order_cost(desk: Bench) -> None:
    order = confirmed(desk)
    for parcel in (1, 2, 3):
        desk.ask(opening(order, parcel))
    gone = desk.ask(GiveUpParcel(order_id=order, parcel=2))
    desk.send_all([*moved(order, 1, "requested"), *moved(order, 3, "requested")])
    rest = RegisterReturn(order_id=order, return_id="all", lines=(), received=True)
    back = desk.ask(replace(rest, return_id=f"{order} all"))
    assert isinstance(back, ReturnAccepted)
    assert {each.sku: each.quantity for each in back.lines} == {"A": 1, "C": 2}
    assert gone.amount.amount + back.amount.amount == PAYABLE.total.amount
    assert gone.points + back.points == PAYABLE.points


def test_what_is_in_a_parcel_that_was_not_sent_cannot_be_returned(desk: Bench) -> None:
    order = confirmed(desk)
    for parcel in (1, 2, 3):
        desk.ask(opening(order, parcel))
    desk.send_all(moved(order, 1, "requested"))

    def give_back(sku: str) -> Any:
        wanted = (ReturnLine(sku=Sku(sku), quantity=1),)
        name = f"{order} {sku}"
        return desk.ask(RegisterReturn(order_id=order, return_id=name, lines=wanted, received=True))

    assert isinstance(give_back("B"), ReturnRefused)
    assert isinstance(give_back("A"), ReturnAccepted)


def test_what_may_still_be_given_up_is_not_reported_missing(desk: Bench) -> None:
    """Or it would be paid back twice. What is in a parcel that is lost may be."""
    order = confirmed(desk)
    for parcel in (1, 2, 3):
        desk.ask(opening(order, parcel))
    desk.send_all([captured(order, parcel) for parcel in (1, 2, 3)])
    desk.send_all([ParcelLost(order_id=order, carrier="c", tracking="t", parcel=1)])

    def missing(sku: str) -> Any:
        lines = (ReturnLine(sku=Sku(sku), quantity=1),)
        wanted = RegisterReturn(
            order_id=order, return_id=f"{order} {sku}", lines=lines, received=True, missing=True
        )
        return desk.ask(wanted)

    assert isinstance(missing("B"), ReturnRefused)
    assert isinstance(missing("A"), ReturnAccepted)


def test_a_parcel_of_a_cancelled_order_is_not_paid_back_once_more(desk: Bench) -> None:
    """The order was cancelled while the parcel waited for a person."""
    order = confirmed(desk)
    for parcel in (1, 2, 3):
        desk.ask(opening(order, parcel))
    desk.ask(LockOrder(order_id=order))
    desk.ask(CancelOrder(order_id=order, reason="not wanted"))
    assert isinstance(desk.ask(GiveUpParcel(order_id=order, parcel=1)), ParcelForgotten)
    assert desk.rows("SELECT count(*) FROM returns WHERE order_id = :id", id=order) == [(0,)]


def test_a_return_leaves_to_an_open_parcel_what_that_costs(desk: Bench) -> None:
    """Money goes back before points, but not that of a parcel which may still be given up."""
    order, lines = new_order(), (line("A", 1000), line("B", 1000))
    costs = replace(PAYABLE, goods=2000, discount=0, points=1000, shipping=0, total=pence(1000))
    create = CreateOrder(order_id=order, customer_id=CustomerId("c"), lines=lines, payable=costs)
    desk.send_all([create, ConfirmOrder(order_id=order)])
    for number, each in enumerate(lines, 1):
        desk.ask(replace(opening(order, 1, of=2), parcel=number, lines=(each,)))
    desk.send_all(moved(order, 1, "requested"))
    wanted = RegisterReturn(order_id=order, return_id=f"{order} 1", lines=(), received=True)
    back = desk.ask(wanted)
    assert (back.amount, back.points) == (pence(500), 500)
    gone = desk.ask(GiveUpParcel(order_id=order, parcel=2))
    assert (gone.amount, gone.points) == (pence(500), 500)


def test_a_return_leaves_to_a_parcel_that_nobody_has_opened_what_that_will_cost(
    desk: Bench,
) -> None:
    """The first parcel is sent before the second is opened, as a busy day will have it."""
    order, lines = new_order(), (line("A", 1000), line("B", 1000))
    costs = replace(PAYABLE, goods=2000, discount=0, points=1000, shipping=0, total=pence(1000))
    create = CreateOrder(order_id=order, customer_id=CustomerId("c"), lines=lines, payable=costs)
    desk.send_all([create, ConfirmOrder(order_id=order)])
    desk.ask(replace(opening(order, 1, of=2), lines=lines[:1]))
    desk.send_all(moved(order, 1, "requested"))
    wanted = RegisterReturn(order_id=order, return_id=f"{order} 1", lines=(), received=True)
    back = desk.ask(wanted)
    assert (back.amount, back.points) == (pence(500), 500)
    opened = desk.ask(replace(opening(order, 1, of=2), parcel=2, lines=lines[1:]))
    assert opened.amount == pence(500)


def test_a_parcel_that_was_given_up_first_is_not_opened(desk: Bench) -> None:
    order = confirmed(desk)
    assert isinstance(desk.ask(GiveUpParcel(order_id=order, parcel=1)), ParcelForgotten)
    assert isinstance(desk.ask(opening(order, 1)), ParcelNotOpened)
    assert isinstance(desk.ask(GiveUpParcel(order_id=order, parcel=1)), ParcelForgotten)


def test_parcels_that_nobody_has_heard_of_hold_the_order_back() -> None:
    """One of two is delivered, the other not opened yet."""
    assert fulfilled({"1": {"state": "delivered", "of": 2}}) == "partly delivered"
    assert fulfilled({}) == "none"
