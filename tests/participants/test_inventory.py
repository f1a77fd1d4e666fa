"""Stock is sold once, given back as it was held, and adds up at every instant."""

import time
from collections.abc import Iterator
from itertools import count

import pytest

from contracts.delivery.envelope import Envelope
from contracts.messages.inventory import (
    InventoryReleased,
    InventoryReservationFailed,
    InventoryReserved,
    ReleaseInventory,
    ReserveInventory,
)
from contracts.messages.shipping import ShippingRequested
from contracts.messages.values import Line, Money, OrderId, Sku
from participants.inventory.handlers import inventory
from participants.inventory.stock import count as count_stock
from participants.inventory.tables import Stock
from tests.participants.bench import Bench, bench, migrated, new_order

NUMBERS = count(1)
PRICE = Money(amount=100, currency="GBP")


@pytest.fixture
def store(postgres: str) -> Iterator[Bench]:
    """Inventory at work."""
    with bench(inventory, migrated(postgres)) as desk:
        yield desk


def stocked(store: Bench, quantity: int) -> Sku:
    """A new SKU with so many units on hand."""
    sku = Sku(f"T-{next(NUMBERS)}")
    with store.host.db.transaction() as session:
        session.load(Stock, {sku})
        count_stock(session, sku, quantity)
    return sku


def reserve(order: OrderId, *wanted: tuple[Sku, int]) -> ReserveInventory:
    """A command to hold these."""
    lines = tuple(Line(sku=sku, quantity=units, unit_price=PRICE) for sku, units in wanted)
    return ReserveInventory(order_id=order, lines=lines)


def standing(store: Bench, sku: Sku) -> tuple[int, ...]:
    """On hand, reserved, shipped."""
    query = "SELECT on_hand, reserved, shipped FROM stock WHERE sku = :sku"
    return store.rows(query, sku=sku)[0]


def test_all_lines_are_held_or_none(store: Bench) -> None:
    """One line that falls short leaves the others on hand."""
    plenty, scarce = stocked(store, 10), stocked(store, 1)
    order = new_order()
    answer = store.ask(reserve(order, (plenty, 2), (scarce, 2)))
    assert isinstance(answer, InventoryReservationFailed)
    assert answer.missing == (scarce,)
    assert standing(store, plenty) == (10, 0, 0)
    other = new_order()
    assert store.ask(reserve(other, (plenty, 2))) == InventoryReserved(order_id=other)
    assert standing(store, plenty) == (8, 2, 0)


def test_a_sku_in_several_lines_is_summed(store: Bench) -> None:
    """Two lines of two need four units."""
    sku = stocked(store, 3)
    answer = store.ask(reserve(new_order(), (sku, 2), (sku, 2)))
    assert isinstance(answer, InventoryReservationFailed)


def test_a_release_gives_back_what_was_held_and_no_more(store: Bench) -> None:
    """Released twice, and the stock is what it was before."""
    sku, order = stocked(store, 5), new_order()
    store.ask(reserve(order, (sku, 3)))
    for _ in range(2):
        release = ReleaseInventory(order_id=order)
        assert store.ask(release) == InventoryReleased(order_id=order)
    assert standing(store, sku) == (5, 0, 0)


def test_a_release_that_comes_first_makes_the_late_command_do_nothing(store: Bench) -> None:
    """The tombstone: nothing is held, and the answer says why."""
    sku, order = stocked(store, 5), new_order()
    store.ask(ReleaseInventory(order_id=order))
    answer = store.ask(reserve(order, (sku, 1)))
    assert answer.reason == "released before it was reserved"
    assert standing(store, sku) == (5, 0, 0)


def test_what_the_carrier_has_taken_is_shipped_and_cannot_be_released(store: Bench) -> None:
    """A late release after the parcel has gone changes nothing."""
    sku, order = stocked(store, 5), new_order()
    store.ask(reserve(order, (sku, 2)))
    taken = ShippingRequested(order_id=order, carrier="c", tracking="t")
    store.send(taken)  # type: ignore[arg-type]  # an event travels as a command does
    assert standing(store, sku) == (3, 0, 2)
    store.ask(ReleaseInventory(order_id=order))
    assert standing(store, sku) == (3, 0, 2)


def test_the_last_unit_is_sold_once_within_one_batch(store: Bench) -> None:
    """Of ten orders in one batch for one unit, one holds it."""
    sku = stocked(store, 1)
    answers = [store.ask(reserve(new_order(), (sku, 1))) for _ in range(10)]
    assert sum(isinstance(answer, InventoryReserved) for answer in answers) == 1


def test_the_ledger_is_only_added_to(store: Bench) -> None:
    """Its sums are what stands on hand, reserved and shipped."""
    sku, order = stocked(store, 4), new_order()
    store.ask(reserve(order, (sku, 1)))
    moves = "SELECT reason, units, source, target FROM stock_entries WHERE sku = :s ORDER BY id"
    assert store.rows(moves, s=sku) == [
        ("counted", 4, "outside", "on_hand"),
        ("reserved", 1, "on_hand", "reserved"),
    ]


def test_a_large_batch_takes_a_constant_number_of_statements(store: Bench) -> None:
    """200 orders of 15 lines are held in well under a second."""
    skus = [stocked(store, 100_000) for _ in range(15)]
    envelopes: list[Envelope] = []
    receive = store.host.inbox.receive
    store.host.inbox.receive = envelopes.extend  # type: ignore[method-assign,assignment]
    for _ in range(200):
        store.send(reserve(new_order(), *((sku, 1) for sku in skus)))
    began = time.perf_counter()
    receive(envelopes)
    assert time.perf_counter() - began < 3
    assert standing(store, skus[0]) == (99_800, 200, 0)
