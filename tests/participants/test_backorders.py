"""Who waits for what is missing gets it first come, first served, and is told when it is there."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.messages.inventory import (
    InventoryBackordered,
    InventoryCommitted,
    InventoryReservationFailed,
    InventoryReserved,
    ReserveInventory,
)
from contracts.messages.returns import ReceiveReturn
from contracts.messages.values import Sku
from participants.inventory import backorders, holds, receiving
from participants.inventory.handlers import inventory
from participants.inventory.tables import Stock
from tests.participants.bench import Bench, bench, migrated, new_order
from tests.participants.shelves import (
    aged,
    built,
    entries,
    kept,
    let_go,
    reserve,
    standing,
    stocked,
    taken,
    wrong,
)
from tests.simulators.running import until


@pytest.fixture(scope="module")
def store(postgres: str) -> Iterator[Bench]:
    """Inventory at work."""
    with bench(inventory, migrated(postgres)) as desk:
        yield desk


def waiting(*wanted: tuple[Sku, int]) -> ReserveInventory:
    """A command of a customer who waits for what is missing."""
    return reserve(new_order(), *wanted, short="backorder")


def comes_in(store: Bench, sku: Sku, units: int, warehouse: str = "main") -> None:
    """Units are received, and given to whoever waits."""
    with store.host.db.transaction() as session:
        session.load(Stock, {sku})
        row = session.get(Stock, (sku, warehouse))
        stands = row.on_hand if row else 0
        receiving.count(session, sku, warehouse, stands + units)
    settle(store)


def settle(store: Bench) -> None:
    """Until nobody gets anything any more."""
    while store.host.run(backorders.fill):
        pass


def owed(store: Bench, sku: Sku) -> tuple[Any, ...]:
    """What the stock says is owed, and what orders wait for."""
    return store.rows(
        "SELECT (SELECT sum(backordered)::int FROM stock WHERE sku = :sku),"
        " (SELECT coalesce(sum(units), 0)::int FROM backorders WHERE sku = :sku)",
        sku=sku,
    )[0]


def state(store: Bench, asked: ReserveInventory) -> str:
    """How the order's reservation stands."""
    query = "SELECT state FROM reservations WHERE order_id = :id"
    return str(store.rows(query, id=asked.order_id)[0][0])


def told(store: Bench, sent: Any) -> None:
    """Wait until the command is answered anew: all of it is held."""
    until(lambda: isinstance(store.answer(sent), InventoryReserved))


def test_what_is_there_is_held_and_the_rest_is_waited_for(store: Bench) -> None:
    """When the last of it comes in, the command is answered anew, and the order is as any other."""
    one, other = stocked(store, 2), stocked(store, 9)
    asked = waiting((one, 5), (other, 1))
    sent = store.send(asked)
    answer = store.answer(sent)
    assert isinstance(answer, InventoryBackordered)
    assert ([line.quantity for line in answer.lines], answer.missing) == ([2, 1], (one,))
    assert (standing(store, one), owed(store, one)) == ((0, 2, 0), (3, 3))
    comes_in(store, one, 2)
    assert (standing(store, one), owed(store, one)) == ((0, 4, 0), (1, 1))
    assert isinstance(store.answer(sent), InventoryBackordered)
    comes_in(store, one, 4)
    told(store, sent)
    assert (standing(store, one), owed(store, one)) == ((3, 5, 0), (0, 0))
    assert isinstance(store.ask(kept(asked)), InventoryCommitted)
    store.send_all([taken(asked.order_id)])
    assert wrong(store, one, other) == []


def test_who_came_first_is_served_first_and_a_later_order_cannot_take_it(store: Bench) -> None:
    """Not even between the receipt and the turn of who waits."""
    sku = stocked(store, 0)
    first, second = waiting((sku, 2)), waiting((sku, 2))
    sent = [store.send(each) for each in (first, second)]
    with store.host.db.transaction() as session:
        session.load(Stock, {sku})
        receiving.count(session, sku, "main", 3)
    assert isinstance(store.ask(reserve(new_order(), (sku, 1))), InventoryReservationFailed)
    settle(store)
    told(store, sent[0])
    assert (state(store, first), state(store, second)) == ("held", "backordered")
    assert (standing(store, sku), owed(store, sku)) == ((0, 3, 0), (1, 1))
    comes_in(store, sku, 2)
    told(store, sent[1])
    assert isinstance(store.ask(reserve(new_order(), (sku, 1))), InventoryReserved)


@pytest.mark.parametrize("how", ["released", "expired", "returned"])
def test_whatever_brings_units_back_wakes_who_waits(store: Bench, how: str) -> None:
    """A release, an expiry and a return are as good as a receipt."""
    sku = stocked(store, 3)
    has = reserve(new_order(), (sku, 3))
    store.ask(has)
    sent = store.send(waiting((sku, 3)))
    if how == "released":
        store.ask(let_go(has.order_id))
    elif how == "expired":
        aged(store, has.order_id)
        store.host.run(holds.expire)
    else:
        store.send_all([kept(has), taken(has.order_id)])
        store.ask(ReceiveReturn(order_id=has.order_id, return_id="r", lines=()))
    settle(store)
    told(store, sent)
    assert (entries(store, sku)[-1], wrong(store, sku)) == (
        ("reserved", 3, "on_hand", "reserved"),
        [],
    )


def test_who_takes_what_is_there_waits_no_more(store: Bench) -> None:
    """A commit of a part closes the backorder, and what came in beyond it is sold."""
    sku = stocked(store, 2)
    asked = waiting((sku, 5))
    answer = store.ask(asked)
    comes_in(store, sku, 1)
    part = kept(reserve(asked.order_id, *((line.sku, line.quantity) for line in answer.lines)))
    assert isinstance(store.ask(part), InventoryCommitted)
    assert (standing(store, sku), owed(store, sku)) == ((1, 2, 0), (0, 0))
    comes_in(store, sku, 5)
    assert (standing(store, sku), wrong(store, sku)) == ((6, 2, 0), [])


def test_who_is_released_waits_no_more_and_what_was_held_goes_to_the_next(store: Bench) -> None:
    """And a release that comes twice owes nobody less."""
    sku = stocked(store, 1)
    first, second, third = waiting((sku, 3)), waiting((sku, 1)), waiting((sku, 4))
    sent = [store.send(each) for each in (first, second, third)]
    store.send_all([let_go(first.order_id), let_go(first.order_id)])
    settle(store)
    told(store, sent[1])
    assert (standing(store, sku), owed(store, sku)) == ((0, 1, 0), (4, 4))
    assert wrong(store, sku) == []


def test_nobody_waits_for_what_was_never_stocked(store: Bench) -> None:
    """It may never come."""
    answer = store.ask(waiting((Sku("NEVER"), 1), (stocked(store, 5), 1)))
    assert isinstance(answer, InventoryReservationFailed)
    assert answer.missing == ("NEVER",)


def test_what_is_waited_for_may_come_in_at_any_warehouse(store: Bench) -> None:
    """Some here, some there: the order is complete, in two parcels."""
    built(store, north=5)
    sku = stocked(store, 0, north=0)
    asked = waiting((sku, 3))
    sent = store.send(asked)
    comes_in(store, sku, 1, "north")
    comes_in(store, sku, 9)
    told(store, sent)
    parcels = store.ask(kept(asked)).parcels  # several, so they are named
    assert {each.warehouse: each.lines[0].quantity for each in parcels} == {"north": 1, "main": 2}
    assert (owed(store, sku), wrong(store, sku)) == ((0, 0), [])


def test_who_is_not_heard_is_told_again_until_the_order_is_committed(store: Bench) -> None:
    """The broker may lose what it is given."""
    sku = stocked(store, 0)
    asked = waiting((sku, 1))
    sent = store.send(asked)
    comes_in(store, sku, 1)
    told(store, sent)
    store.heard.clear()
    again = "UPDATE reservations SET tell_at = now() WHERE order_id = :id"
    store.rows(again, id=asked.order_id)
    told(store, sent)
    store.ask(kept(asked))
    store.rows(again, id=asked.order_id)
    query = "SELECT tell_at FROM reservations WHERE order_id = :id"
    until(lambda: store.rows(query, id=asked.order_id) == [(None,)])


def test_two_who_fill_at_once_give_nothing_twice(store: Bench) -> None:
    """While others release and wait."""
    sku = stocked(store, 20)
    has = [reserve(new_order(), (sku, 1)) for _ in range(20)]
    store.send_all([*has, *(waiting((sku, 1)) for _ in range(20))])
    with ThreadPoolExecutor(4) as workers:
        work = [workers.submit(store.send_all, [let_go(each.order_id)]) for each in has]
        work += [workers.submit(store.host.run, backorders.fill) for _ in range(10)]  # type: ignore[arg-type]
        for each in work:
            each.result()
    settle(store)
    assert (standing(store, sku), owed(store, sku)) == ((0, 20, 0), (0, 0))
    assert wrong(store, sku) == []


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "wait", "commit", "ship", "release", "expire", "receive"]),
        st.integers(0, 3),
        st.integers(1, 4),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(moves=MOVES)
def test_stock_adds_up_whatever_happens_in_whatever_order(store: Bench, moves: Any) -> None:
    """Every SKU and warehouse, against the ledger, the holds and the backorders."""
    built(store, north=5)
    sku = stocked(store, 3, north=2)
    orders = [new_order() for _ in range(4)]
    for what, which, units in moves:
        order, lines = orders[which], ((sku, units),)
        if what == "receive":
            comes_in(store, sku, units, ("main", "north")[units % 2])
        elif what == "expire":
            aged(store, order)
            store.host.run(holds.expire)
        else:
            asked = reserve(order, *lines, short="backorder" if what == "wait" else "ship")
            say = {"commit": kept(asked), "ship": taken(order), "release": let_go(order)}
            store.send_all([say.get(what, asked)])
        assert wrong(store, sku) == []
        stands, waits = owed(store, sku)
        assert stands == waits
    settle(store)
    assert wrong(store, sku) == []
