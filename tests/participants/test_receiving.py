"""What was sent and comes back is on hand again: once, and never more than was sent."""

from collections.abc import Iterator
from itertools import count

import pytest

from contracts.messages.inventory import ReleaseInventory, ReserveInventory
from contracts.messages.returns import ReceiveReturn, ReturnLine, ReturnReceived
from contracts.messages.shipping import ShippingRequested
from contracts.messages.values import OrderId, Sku
from participants.inventory.handlers import inventory
from participants.inventory.receiving import count as count_stock
from participants.inventory.tables import Stock
from tests.participants.bench import Bench, bench, migrated, new_order
from tests.participants.goods import line
from tests.participants.shelves import wrong

NUMBERS = count(1)
ON_HAND = 10


@pytest.fixture(scope="module")
def store(postgres: str) -> Iterator[Bench]:
    """Inventory at work."""
    with bench(inventory, migrated(postgres)) as desk:
        yield desk


def held(store: Bench, *units: int) -> tuple[OrderId, list[Sku]]:
    """An order that holds so many units of new SKUs, of each of which there were ten."""
    skus = [Sku(f"R-{next(NUMBERS)}") for _ in units]
    with store.host.db.transaction() as session:
        session.load(Stock, set(skus))
        for sku in skus:
            count_stock(session, sku, "main", ON_HAND)
    order = new_order()
    lines = tuple(line(*each, 100) for each in zip(skus, units, strict=True))
    store.ask(ReserveInventory(order_id=order, lines=lines, short="reject"))
    return order, skus


def taken(order: OrderId) -> ShippingRequested:
    """The event that the carrier has its parcel."""
    return ShippingRequested(order_id=order, carrier="c", tracking="t")


def sent(store: Bench, *units: int) -> tuple[OrderId, list[Sku]]:
    """An order that was sent so many units of new SKUs, of each of which there were ten."""
    order, skus = held(store, *units)
    store.send_all([taken(order)])
    return order, skus


def back(
    order: OrderId, which: str, *lines: tuple[Sku, int], missing: bool = False
) -> ReceiveReturn:
    """A command to put these on hand, or write them off; all that was sent, if none are named."""
    named = tuple(ReturnLine(sku=sku, quantity=units) for sku, units in lines)
    return ReceiveReturn(order_id=order, return_id=f"{order}-{which}", lines=named, missing=missing)


def standing(store: Bench, sku: Sku) -> tuple[int, ...]:
    """On hand, reserved, shipped, and returned of the shipped."""
    query = "SELECT on_hand, reserved, shipped, returned FROM stock WHERE sku = :sku"
    return store.rows(query, sku=sku)[0]


def test_units_that_come_back_are_on_hand_again(store: Bench) -> None:
    """By line, then the rest; the ledger has a movement for each."""
    order, (one, other) = sent(store, 3, 1)
    received = ReturnReceived(order_id=order, return_id=f"{order}-1")
    assert store.ask(back(order, "1", (one, 1), (one, 1))) == received
    assert (standing(store, one), standing(store, other)) == ((9, 0, 3, 2), (9, 0, 1, 0))
    store.ask(back(order, "2"))
    assert (standing(store, one), standing(store, other)) == ((10, 0, 3, 3), (10, 0, 1, 1))
    query = "SELECT units, source, target FROM stock_entries WHERE sku = :sku ORDER BY id"
    moves = store.rows(query, sku=one)
    assert moves[-2:] == [(2, "returned", "on_hand"), (1, "returned", "on_hand")]


def test_a_return_that_comes_twice_is_put_on_hand_once(store: Bench) -> None:
    """Also in one batch; another return of as many is another."""
    order, (sku,) = sent(store, 4)
    answers = [store.answer(each) for each in store.send_all([back(order, "1", (sku, 1))] * 2)]
    store.ask(back(order, "1", (sku, 1)))
    assert answers == [ReturnReceived(order_id=order, return_id=f"{order}-1")] * 2
    assert standing(store, sku) == (7, 0, 4, 1)
    store.ask(back(order, "2", (sku, 1)))
    assert standing(store, sku) == (8, 0, 4, 2)


def test_no_more_comes_back_than_was_sent(store: Bench) -> None:
    """Neither more units, nor another SKU, nor anything when all is back."""
    order, (sku,) = sent(store, 2)
    _, (foreign,) = sent(store, 1)
    store.ask(back(order, "1", (sku, 3), (foreign, 1)))
    store.ask(back(order, "2", (sku, 1)))
    store.ask(back(order, "3"))
    assert (standing(store, sku), standing(store, foreign)) == ((10, 0, 2, 2), (9, 0, 1, 0))


def test_goods_that_are_back_were_sent_though_nobody_has_told_so(store: Bench) -> None:
    """The event that they were sent comes later and moves nothing."""
    order, (sku,) = held(store, 3)
    store.ask(back(order, "1", (sku, 2)))
    assert standing(store, sku) == (9, 0, 3, 2)
    store.send_all([taken(order)])
    assert standing(store, sku) == (9, 0, 3, 2)


def test_what_was_missing_at_picking_is_written_off_and_never_comes_back(store: Bench) -> None:
    """Told before the parcel is taken or after, and twice: it is gone once, and the rest may still
    come back; the stock adds up."""
    for told_first in (True, False):
        order, (sku,) = held(store, 3)
        if not told_first:
            store.send_all([taken(order)])
        for _ in range(2):
            store.ask(back(order, "1", (sku, 2), missing=True))
        store.send_all([taken(order)])
        assert standing(store, sku) == (7, 0, 1, 0)
        store.ask(back(order, "2"))
        assert standing(store, sku) == (8, 0, 1, 1)
        query = "SELECT reason, units, source, target FROM stock_entries WHERE sku = :s ORDER BY id"
        assert store.rows(query, s=sku)[-2:] == [
            ("missing", 2, "shipped", "outside"),
            ("returned", 1, "returned", "on_hand"),
        ]
        assert wrong(store, sku) == []


def test_nothing_comes_back_of_what_was_never_sent(store: Bench) -> None:
    """An order that was released, and one that nobody knows: answered, and nothing moves."""
    order, (sku,) = held(store, 3)
    store.ask(ReleaseInventory(order_id=order))
    for each in (order, new_order()):
        assert isinstance(store.ask(back(each, "1", (sku, 2))), ReturnReceived)
        assert isinstance(store.ask(back(each, "2")), ReturnReceived)
    assert standing(store, sku) == (ON_HAND, 0, 0, 0)
