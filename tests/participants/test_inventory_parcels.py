"""What an order holds leaves parcel by parcel, or is put back: the stock adds up all along."""

from collections.abc import Iterator
from typing import Any

import pytest

from contracts.messages.inventory import CommitInventory, ReleaseInventory, ReserveInventory
from contracts.messages.parcels import (
    ParcelNotPicked,
    ParcelPicked,
    ParcelPutBack,
    PickParcel,
    PutParcelBack,
)
from contracts.messages.returns import ReceiveReturn, ReturnLine
from contracts.messages.shipping import ShippingRequested
from contracts.messages.values import Line, Money, OrderId, Sku
from participants.inventory.handlers import inventory
from participants.inventory.stock import count
from participants.inventory.tables import Stock
from tests.participants.bench import NUMBERS, Bench, bench, migrated, new_order

PENNY = Money(amount=1, currency="GBP")


@pytest.fixture
def store(postgres: str) -> Iterator[Bench]:
    """Inventory at work."""
    with bench(inventory, migrated(postgres)) as at_work:
        yield at_work


def stocked(store: Bench, units: int) -> Sku:
    """A new SKU of which there are so many."""
    sku = Sku(f"PARCEL-{next(NUMBERS)}")

    def put(session: Any) -> None:
        session.load(Stock, {sku})
        count(session, sku, units)

    store.host.run(put)
    return sku


def line(sku: Sku, units: int) -> Line:
    return Line(sku=sku, quantity=units, unit_price=PENNY)


def committed(store: Bench, *lines: Line) -> OrderId:
    """An order that holds these for good."""
    order = new_order()
    store.ask(ReserveInventory(order_id=order, lines=lines, short="reject"))
    store.ask(CommitInventory(order_id=order, lines=lines))
    return order


def pick(order: OrderId, parcel: int, *lines: Line) -> PickParcel:
    return PickParcel(order_id=order, parcel=parcel, warehouse="main", lines=lines)


def put_back(order: OrderId, parcel: int, *lines: Line) -> PutParcelBack:
    return PutParcelBack(order_id=order, parcel=parcel, warehouse="main", lines=lines)


def taken(order: OrderId, parcel: int) -> ShippingRequested:
    return ShippingRequested(order_id=order, carrier="c", tracking="t", parcel=parcel)


def standing(store: Bench, sku: Sku) -> tuple[int, ...]:
    """On hand, reserved, shipped, returned; the sum is what was received."""
    query = "SELECT on_hand, reserved, shipped, returned, received FROM stock WHERE sku = :sku"
    on_hand, reserved, shipped, returned, received = store.rows(query, sku=sku)[0]
    assert on_hand + reserved + shipped == received + returned
    return on_hand, reserved, shipped, returned


def state(store: Bench, order: OrderId) -> str:
    return str(store.rows("SELECT state FROM reservations WHERE order_id = :o", o=order)[0][0])


def test_only_the_units_of_a_parcel_leave_with_it(store: Bench) -> None:
    """A SKU may be in two; with the last one the order holds nothing any more."""
    sku = stocked(store, 5)
    order = committed(store, line(sku, 3))
    assert isinstance(store.ask(pick(order, 1, line(sku, 2))), ParcelPicked)
    assert isinstance(store.ask(pick(order, 2, line(sku, 1))), ParcelPicked)
    store.send_all([taken(order, 1), taken(order, 1)])
    assert standing(store, sku) == (2, 1, 2, 0)
    assert state(store, order) == "committed"
    store.send_all([taken(order, 2)])
    assert (standing(store, sku), state(store, order)) == ((2, 0, 3, 0), "shipped")


def test_a_parcel_that_is_put_back_is_on_hand_once(store: Bench) -> None:
    sku = stocked(store, 5)
    order = committed(store, line(sku, 3))
    store.send_all([pick(order, 1, line(sku, 2)), pick(order, 2, line(sku, 1))])
    for _ in range(2):
        assert isinstance(store.ask(put_back(order, 2, line(sku, 1))), ParcelPutBack)
    assert standing(store, sku) == (3, 2, 0, 0)
    store.send_all([taken(order, 1)])
    assert (standing(store, sku), state(store, order)) == ((3, 0, 2, 0), "shipped")


def test_where_every_parcel_is_put_back_nothing_is_held(store: Bench) -> None:
    sku = stocked(store, 5)
    order = committed(store, line(sku, 3))
    store.send_all([put_back(order, 1, line(sku, 2)), put_back(order, 2, line(sku, 1))])
    assert (standing(store, sku), state(store, order)) == ((5, 0, 0, 0), "released")


def test_a_parcel_that_is_put_back_first_is_not_picked(store: Bench) -> None:
    sku = stocked(store, 5)
    order = committed(store, line(sku, 3))
    store.ask(put_back(order, 1, line(sku, 2)))
    assert isinstance(store.ask(pick(order, 1, line(sku, 2))), ParcelNotPicked)
    assert standing(store, sku) == (4, 1, 0, 0)


def test_of_an_order_that_is_released_no_parcel_is_picked(store: Bench) -> None:
    """A cancelled order gives back what no parcel has taken along."""
    sku = stocked(store, 5)
    order = committed(store, line(sku, 3))
    store.ask(pick(order, 1, line(sku, 2)))
    store.ask(ReleaseInventory(order_id=order))
    assert isinstance(store.ask(pick(order, 2, line(sku, 1))), ParcelNotPicked)
    assert isinstance(store.ask(put_back(order, 1, line(sku, 2))), ParcelPutBack)
    store.send_all([taken(order, 1)])
    assert standing(store, sku) == (5, 0, 0, 0)


def test_a_return_brings_back_what_was_sent_even_if_nobody_has_told_so(store: Bench) -> None:
    """The parcel it was in was sent; the other is still held."""
    one, other = stocked(store, 5), stocked(store, 5)
    order = committed(store, line(one, 2), line(other, 2))
    store.send_all([pick(order, 1, line(one, 2)), pick(order, 2, line(other, 2))])
    wanted = (ReturnLine(sku=one, quantity=1),)
    store.ask(ReceiveReturn(order_id=order, return_id="r", lines=wanted))
    assert standing(store, one) == (4, 0, 2, 1)
    assert standing(store, other) == (3, 2, 0, 0)
    store.send_all([taken(order, 1), taken(order, 2)])
    assert (standing(store, one), standing(store, other)) == ((4, 0, 2, 1), (3, 0, 2, 0))
