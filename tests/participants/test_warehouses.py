"""Stock at several warehouses: an order's units come from where they are, and go back there."""

from collections.abc import Iterator

import pytest

from contracts.messages.inventory import InventoryCommitted
from contracts.messages.returns import ReceiveReturn
from participants.inventory.handlers import inventory
from tests.participants.bench import Bench, bench, migrated, new_order
from tests.participants.goods import line
from tests.participants.shelves import (
    built,
    kept,
    let_go,
    reserve,
    standing,
    stocked,
    taken,
    wrong,
)


@pytest.fixture(scope="module")
def store(postgres: str) -> Iterator[Bench]:
    """Inventory at work, with two more warehouses, the last of them the first to serve."""
    with bench(inventory, migrated(postgres)) as desk:
        built(desk, north=5, express=0)
        yield desk


def test_an_order_comes_from_one_warehouse_if_one_has_all_of_it(store: Bench) -> None:
    """The better one lacks a line, so it is left alone."""
    one, other = stocked(store, 5, express=5), stocked(store, 5)
    asked = reserve(new_order(), (one, 2), (other, 1))
    store.ask(asked)
    assert (standing(store, one), standing(store, one, "express")) == ((3, 2, 0), (5, 0, 0))
    assert store.ask(kept(asked)) == InventoryCommitted(order_id=asked.order_id)


def test_an_order_that_no_warehouse_has_is_split_and_says_what_comes_from_where(
    store: Bench,
) -> None:
    """Held, sent and taken back where it stood; each warehouse adds up by itself."""
    one, other = stocked(store, 1, north=5), stocked(store, 0, north=1, express=1)
    asked = reserve(new_order(), (one, 3), (other, 2))
    store.ask(asked)
    answer = store.ask(kept(asked))
    assert [(parcel.warehouse, parcel.lines) for parcel in answer.parcels] == [
        ("express", (line(other, 1, 100),)),
        ("main", (line(one, 1, 100),)),
        ("north", (line(one, 2, 100), line(other, 1, 100))),
    ]
    store.send_all([taken(asked.order_id)])
    assert standing(store, one, "north") == (3, 0, 2)
    store.ask(ReceiveReturn(order_id=asked.order_id, return_id="r", lines=()))
    assert standing(store, one, "north") == (5, 0, 2)
    assert standing(store, other, "express") == (1, 0, 1)
    assert wrong(store, one, other) == []


def test_a_split_order_that_is_let_go_of_gives_back_to_each_warehouse(store: Bench) -> None:
    """As if it had never been."""
    sku = stocked(store, 1, north=2, express=1)
    asked = reserve(new_order(), (sku, 4))
    store.ask(asked)
    assert standing(store, sku, "north") == (0, 2, 0)
    store.ask(let_go(asked.order_id))
    assert [standing(store, sku, at)[0] for at in ("express", "main", "north")] == [1, 1, 2]
    assert wrong(store, sku) == []


def test_the_last_unit_at_any_warehouse_is_sold_once(store: Bench) -> None:
    """Of ten orders in a batch for three units at two warehouses, three hold one."""
    sku = stocked(store, 1, north=2)
    asked = [reserve(new_order(), (sku, 1)) for _ in range(10)]
    said = [store.answer(each).wire_name() for each in store.send_all([*asked])]
    assert said.count("InventoryReserved") == 3
    assert (standing(store, sku), standing(store, sku, "north")) == ((0, 1, 0), (0, 2, 0))
