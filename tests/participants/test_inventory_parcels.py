"""What an order holds leaves parcel by parcel, or is put back: the stock adds up all along."""

from collections.abc import Iterator

import pytest

from contracts.messages.inventory import ReleaseInventory
from contracts.messages.parcels import (
    ParcelNotPicked,
    ParcelPicked,
    ParcelPutBack,
    PickParcel,
    PutParcelBack,
)
from contracts.messages.returns import ReceiveReturn, ReturnLine
from contracts.messages.shipping import ShippingRequested
from contracts.messages.values import OrderId, Sku
from participants.inventory.handlers import inventory
from tests.participants.bench import Bench, bench, migrated, new_order
from tests.participants.shelves import built, kept, reserve, stocked, wrong


@pytest.fixture
def store(postgres: str) -> Iterator[Bench]:
    """Inventory at work, with a warehouse more."""
    with bench(inventory, migrated(postgres)) as at_work:
        built(at_work, north=5)
        yield at_work


def committed(store: Bench, *wanted: tuple[Sku, int]) -> OrderId:
    """An order that holds these for good."""
    asked = reserve(new_order(), *wanted)
    store.ask(asked)
    store.ask(kept(asked))
    return asked.order_id


def pick(order: OrderId, parcel: int, *wanted: tuple[Sku, int], at: str = "main") -> PickParcel:
    lines = reserve(order, *wanted).lines
    return PickParcel(order_id=order, parcel=parcel, warehouse=at, lines=lines)


def put_back(
    order: OrderId, parcel: int, *wanted: tuple[Sku, int], at: str = "main"
) -> PutParcelBack:
    lines = reserve(order, *wanted).lines
    return PutParcelBack(order_id=order, parcel=parcel, warehouse=at, lines=lines)


def taken(order: OrderId, parcel: int) -> ShippingRequested:
    return ShippingRequested(order_id=order, carrier="c", tracking="t", parcel=parcel)


def standing(store: Bench, sku: Sku, at: str = "main") -> tuple[int, ...]:
    """On hand, reserved, shipped, returned, once it is seen to add up."""
    assert not wrong(store, sku)
    query = (
        "SELECT on_hand, reserved, shipped, returned FROM stock WHERE sku = :s AND warehouse = :w"
    )
    return store.rows(query, s=sku, w=at)[0]


def state(store: Bench, order: OrderId) -> str:
    return str(store.rows("SELECT state FROM reservations WHERE order_id = :o", o=order)[0][0])


def test_only_the_units_of_a_parcel_leave_with_it(store: Bench) -> None:
    """A SKU may be in two; with the last one the order holds nothing any more."""
    sku = stocked(store, 5)
    order = committed(store, (sku, 3))
    assert isinstance(store.ask(pick(order, 1, (sku, 2))), ParcelPicked)
    assert isinstance(store.ask(pick(order, 2, (sku, 1))), ParcelPicked)
    store.send_all([taken(order, 1), taken(order, 1)])
    assert standing(store, sku) == (2, 1, 2, 0)
    assert state(store, order) == "committed"
    store.send_all([taken(order, 2)])
    assert (standing(store, sku), state(store, order)) == ((2, 0, 3, 0), "shipped")


def test_a_parcel_that_is_put_back_is_on_hand_once(store: Bench) -> None:
    sku = stocked(store, 5)
    order = committed(store, (sku, 3))
    store.send_all([pick(order, 1, (sku, 2)), pick(order, 2, (sku, 1))])
    for _ in range(2):
        assert isinstance(store.ask(put_back(order, 2, (sku, 1))), ParcelPutBack)
    assert standing(store, sku) == (3, 2, 0, 0)
    store.send_all([taken(order, 1)])
    assert (standing(store, sku), state(store, order)) == ((3, 0, 2, 0), "shipped")


def test_where_every_parcel_is_put_back_nothing_is_held(store: Bench) -> None:
    sku = stocked(store, 5)
    order = committed(store, (sku, 3))
    store.send_all([put_back(order, 1, (sku, 2)), put_back(order, 2, (sku, 1))])
    assert (standing(store, sku), state(store, order)) == ((5, 0, 0, 0), "released")


def test_a_parcel_that_is_put_back_first_is_not_picked(store: Bench) -> None:
    sku = stocked(store, 5)
    order = committed(store, (sku, 3))
    store.ask(put_back(order, 1, (sku, 2)))
    assert isinstance(store.ask(pick(order, 1, (sku, 2))), ParcelNotPicked)
    assert standing(store, sku) == (4, 1, 0, 0)


def test_of_an_order_that_is_released_no_parcel_is_picked(store: Bench) -> None:
    """A cancelled order gives back what no parcel has taken along."""
    sku = stocked(store, 5)
    order = committed(store, (sku, 3))
    store.ask(pick(order, 1, (sku, 2)))
    store.ask(ReleaseInventory(order_id=order))
    assert isinstance(store.ask(pick(order, 2, (sku, 1))), ParcelNotPicked)
    assert isinstance(store.ask(put_back(order, 1, (sku, 2))), ParcelPutBack)
    store.send_all([taken(order, 1)])
    assert standing(store, sku) == (5, 0, 0, 0)


def test_a_return_brings_back_what_was_sent_even_if_nobody_has_told_so(store: Bench) -> None:
    """The parcel it was in was sent; the other is still held."""
    one, other = stocked(store, 5), stocked(store, 5)
    order = committed(store, (one, 2), (other, 2))
    store.send_all([pick(order, 1, (one, 2)), pick(order, 2, (other, 2))])
    wanted = (ReturnLine(sku=one, quantity=1),)
    store.ask(ReceiveReturn(order_id=order, return_id="r", lines=wanted))
    assert standing(store, one) == (4, 0, 2, 1)
    assert standing(store, other) == (3, 2, 0, 0)
    store.send_all([taken(order, 1), taken(order, 2)])
    assert (standing(store, one), standing(store, other)) == ((4, 0, 2, 1), (3, 0, 2, 0))


def test_units_of_two_parcels_come_back_one_after_the_other_before_anybody_has_told(
    store: Bench,
) -> None:
    """The second return is of the second parcel, for the first one's units are back."""
    sku = stocked(store, 5)
    order = committed(store, (sku, 2))
    store.send_all([pick(order, 1, (sku, 1)), pick(order, 2, (sku, 1))])
    for name in ("r1", "r2"):
        one = (ReturnLine(sku=sku, quantity=1),)
        store.ask(ReceiveReturn(order_id=order, return_id=name, lines=one))
    assert standing(store, sku) == (5, 0, 2, 2)


def test_each_parcel_leaves_its_warehouse(store: Bench) -> None:
    """One is put back where it stood, the other is sent and comes back there."""
    sku = stocked(store, 1, north=2)
    order = committed(store, (sku, 3))
    store.send_all([pick(order, 1, (sku, 1)), pick(order, 2, (sku, 2), at="north")])
    store.ask(put_back(order, 1, (sku, 1)))
    store.send_all([taken(order, 2)])
    assert (standing(store, sku), standing(store, sku, "north")) == ((1, 0, 0, 0), (0, 0, 2, 0))
    store.ask(ReceiveReturn(order_id=order, return_id="r", lines=()))
    assert standing(store, sku, "north") == (2, 0, 2, 2)


def test_what_is_missing_at_picking_is_written_off_and_its_parcel_goes_on(store: Bench) -> None:
    """Before its parcel was picked: the rest of it counts as sent."""
    sku = stocked(store, 5)
    order = committed(store, (sku, 3))
    gone = (ReturnLine(sku=sku, quantity=1),)
    store.ask(ReceiveReturn(order_id=order, return_id="r", lines=gone, missing=True))
    assert isinstance(store.ask(pick(order, 1, (sku, 2))), ParcelPicked)
    assert isinstance(store.ask(pick(order, 2, (sku, 1))), ParcelPicked)
    store.send_all([taken(order, 1), taken(order, 2)])
    assert standing(store, sku) == (2, 0, 2, 0)
