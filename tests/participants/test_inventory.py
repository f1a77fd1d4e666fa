"""Stock is sold once, given back as it was held, and adds up at every instant."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from contracts.messages.base import Message
from contracts.messages.inventory import (
    InventoryPartiallyReserved,
    InventoryReleased,
    InventoryReservationFailed,
    InventoryReserved,
    InventoryReservedInPart,
    ReleaseInventory,
)
from contracts.messages.values import Sku
from participants.inventory.handlers import inventory
from tests.participants.bench import Bench, bench, migrated, new_order
from tests.participants.shelves import entries, kept, reserve, standing, stocked, taken


@pytest.fixture
def store(postgres: str) -> Iterator[Bench]:
    """Inventory at work."""
    with bench(inventory, migrated(postgres)) as desk:
        yield desk


def turned(skus: list[Sku], places: int) -> list[Sku]:
    """The same ones, beginning elsewhere, so that who locks them as they come meets a deadlock."""
    return skus[places % len(skus) :] + skus[: places % len(skus)]


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


def test_what_is_there_is_held_by_line_and_the_answer_says_what_is_missing(store: Bench) -> None:
    """As the customer wishes: with the rest, or only after a person has asked."""
    plenty, scarce, none = stocked(store, 10), stocked(store, 3), stocked(store, 0)
    wanted = ((plenty, 2), (scarce, 2), (none, 1), (scarce, 2))
    for short, kind in (("ship", InventoryReservedInPart), ("ask", InventoryPartiallyReserved)):
        order = new_order()
        answer = store.ask(reserve(order, *wanted, short=short))  # type: ignore[arg-type]
        assert isinstance(answer, kind)
        assert [(line.sku, line.quantity) for line in answer.lines] == [
            (plenty, 2),
            (scarce, 2),
            (scarce, 1),
        ]
        assert answer.missing == tuple(sorted((scarce, none)))
        assert standing(store, scarce) == (0, 3, 0)
        assert store.ask(reserve(order, *wanted, short=short)) == answer  # type: ignore[arg-type]
        store.ask(ReleaseInventory(order_id=order))
        assert standing(store, scarce) == (3, 0, 0)


def test_of_what_is_wholly_out_of_stock_nothing_is_held_whatever_is_wished(store: Bench) -> None:
    """There is nothing to ask about."""
    none = stocked(store, 0)
    for short in ("reject", "ask", "ship"):
        answer = store.ask(reserve(new_order(), (none, 1), short=short))
        assert isinstance(answer, InventoryReservationFailed)


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
    store.send_all([taken(order)])
    assert standing(store, sku) == (3, 0, 2)
    store.ask(ReleaseInventory(order_id=order))
    assert standing(store, sku) == (3, 0, 2)


def test_what_happens_to_one_order_within_one_batch_happens_in_order(store: Bench) -> None:
    """Held and let go, and held and sent off, by messages that arrive together."""
    sku, gone, back = stocked(store, 5), new_order(), new_order()
    asked = [reserve(gone, (sku, 2)), reserve(back, (sku, 2)), taken(gone)]
    store.send_all([*asked, ReleaseInventory(order_id=back), taken(gone)])
    assert standing(store, sku) == (3, 0, 2)


def test_the_last_unit_is_sold_once_within_one_batch(store: Bench) -> None:
    """Of ten orders in one batch for one unit, one holds it."""
    sku = stocked(store, 1)
    sent = store.send_all([reserve(new_order(), (sku, 1)) for _ in range(10)])
    answers = [store.answer(envelope) for envelope in sent]
    assert sum(isinstance(answer, InventoryReserved) for answer in answers) == 1
    assert standing(store, sku) == (0, 1, 0)


def test_the_last_unit_is_sold_once_to_workers_that_race(store: Bench) -> None:
    """Eight batches at once ask for more than there is: all of it is held, and no more."""
    skus = [stocked(store, 10) for _ in range(3)]
    batches = [
        [reserve(new_order(), *((sku, 1) for sku in turned(skus, place))) for place in range(5)]
        for _ in range(8)
    ]
    with ThreadPoolExecutor(8) as workers:
        sent = [envelope for part in workers.map(store.send_all, batches) for envelope in part]
    answers = [store.answer(envelope) for envelope in sent]
    assert sum(isinstance(answer, InventoryReserved) for answer in answers) == 10
    assert [standing(store, sku) for sku in skus] == [(0, 10, 0)] * 3


def test_the_ledger_tells_every_move(store: Bench) -> None:
    """Counted, reserved, released, reserved, shipped: in that order, and it sums up."""
    sku, first, second = stocked(store, 4), new_order(), new_order()
    store.ask(reserve(first, (sku, 1)))
    store.ask(ReleaseInventory(order_id=first))
    store.ask(reserve(second, (sku, 3)))
    store.send_all([taken(second)])
    assert entries(store, sku) == [
        ("counted", 4, "outside", "on_hand"),
        ("reserved", 1, "on_hand", "reserved"),
        ("released", 1, "reserved", "on_hand"),
        ("reserved", 3, "on_hand", "reserved"),
        ("shipped", 3, "reserved", "shipped"),
    ]
    assert standing(store, sku) == (1, 0, 3)


@pytest.mark.parametrize(
    "change", ["UPDATE stock_entries SET units = 0", "DELETE FROM stock_entries"]
)
def test_the_service_cannot_rewrite_its_ledger(store: Bench, change: str) -> None:
    """Its role may add to the ledger and read it."""
    with store.host.db.transaction() as session:
        session.execute(text("SET LOCAL ROLE concerto_inventory"))
        with pytest.raises(ProgrammingError, match="permission denied"):
            session.execute(text(change))
        session.rollback()


def test_a_large_batch_takes_as_many_statements_as_a_small_one(store: Bench) -> None:
    """However many orders and SKUs; what is held, sent off or let go is found in one query."""
    shared = stocked(store, 1_000)

    def spent(orders: int) -> list[int]:
        ids = [new_order() for _ in range(2 * orders)]
        wanted = [reserve(order, (shared, 1), (stocked(store, 1), 1)) for order in ids]
        steps: list[list[Message]] = [
            list(wanted),
            [kept(asked) for asked in wanted],
            [taken(order) for order in ids[:orders]],
            [ReleaseInventory(order_id=order) for order in ids[orders:]],
        ]
        return [store.statements(step, "FROM stock", "stock_entries") for step in steps]

    assert spent(2) == spent(40) == [2, 0, 2, 2]
    assert standing(store, shared) == (958, 0, 42)
