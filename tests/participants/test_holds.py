"""A hold is committed or expires, never both; what expired is sold again, and is had again if it is
still there."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from contracts.messages.base import Message
from contracts.messages.inventory import (
    CommitInventory,
    InventoryCommitted,
    InventoryHoldExpired,
    InventoryReleased,
    InventoryReserved,
)
from participants.inventory import holds
from participants.inventory.handlers import inventory
from tests.participants.bench import Bench, bench, migrated, new_order
from tests.participants.shelves import (
    aged,
    entries,
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
    """Inventory at work."""
    with bench(inventory, migrated(postgres)) as desk:
        yield desk


def expired(store: Bench) -> int:
    """How many holds the chore lets go of now."""
    return store.host.run(holds.expire)


def test_what_is_committed_stays_held(store: Bench) -> None:
    """Asked twice, the same answer; sent off and let go like what is only held."""
    sku, plenty = stocked(store, 5), stocked(store, 9)
    for ended in (taken, let_go):
        asked = reserve(new_order(), (sku, 2), (plenty, 1))
        store.ask(asked)
        for _ in range(2):
            assert store.ask(kept(asked)) == InventoryCommitted(order_id=asked.order_id)
        assert standing(store, sku)[1] == 2
        store.send_all([ended(asked.order_id)])
        assert standing(store, sku) == (3, 0, 2)


def test_what_is_not_held_cannot_be_committed(store: Bench) -> None:
    """Never reserved, let go of before, or more than is held: the order must be undone."""
    sku = stocked(store, 5)
    never, gone, less = (reserve(new_order(), (sku, 2)) for _ in range(3))
    store.send_all([gone, let_go(gone.order_id), less])
    more = CommitInventory(order_id=less.order_id, lines=less.lines * 2)
    for asked in (kept(never), kept(gone), more):
        assert isinstance(store.ask(asked), InventoryHoldExpired)
    assert standing(store, sku) == (3, 2, 0)


def test_what_is_held_beyond_what_is_committed_is_given_back(store: Bench) -> None:
    """A commit names the lines it is for."""
    one, other = stocked(store, 5), stocked(store, 5)
    asked = reserve(new_order(), (one, 3), (other, 2))
    store.ask(asked)
    answer = store.ask(kept(reserve(asked.order_id, (one, 1))))
    assert answer == InventoryCommitted(order_id=asked.order_id)
    assert (standing(store, one), standing(store, other)) == ((4, 1, 0), (5, 0, 0))
    store.send_all([taken(asked.order_id)])
    assert (standing(store, one), wrong(store, one, other)) == ((4, 0, 1), [])


def test_a_hold_that_is_too_old_expires_and_one_that_is_committed_does_not(store: Bench) -> None:
    """The units are on hand again, the ledger says why, and a release finds nothing."""
    sku = stocked(store, 9)
    old, young, safe = (reserve(new_order(), (sku, 2)) for _ in range(3))
    store.send_all([old, young, safe, kept(safe)])
    aged(store, old.order_id, safe.order_id)
    expired(store)
    assert standing(store, sku) == (5, 4, 0)
    assert entries(store, sku)[-1] == ("expired", 2, "reserved", "on_hand")
    answer = store.ask(let_go(old.order_id))
    assert answer == InventoryReleased(order_id=old.order_id)
    assert (standing(store, sku), wrong(store, sku)) == ((5, 4, 0), [])


def test_a_commit_after_the_expiry_takes_the_units_again_if_all_are_there(store: Bench) -> None:
    """Retried first; when somebody else has one of them, the order is told."""
    sku, other = stocked(store, 2), stocked(store, 5)
    first, second = (reserve(new_order(), (sku, 2), (other, 1)) for _ in range(2))
    store.ask(first)
    aged(store, first.order_id)
    expired(store)
    assert isinstance(store.ask(kept(first)), InventoryCommitted)
    assert (standing(store, sku), standing(store, other)) == ((0, 2, 0), (4, 1, 0))
    store.ask(let_go(first.order_id))
    store.ask(second)
    aged(store, second.order_id)
    expired(store)
    store.ask(reserve(new_order(), (sku, 1)))
    told = store.ask(kept(second))
    assert told == InventoryHoldExpired(order_id=second.order_id, reason=holds.GONE)
    assert (standing(store, sku), standing(store, other)) == ((1, 1, 0), (5, 0, 0))


def test_what_expired_may_be_reserved_again_by_its_order(store: Bench) -> None:
    """A person tries the step again: it is held anew, and for a whole time."""
    sku = stocked(store, 2)
    asked = reserve(new_order(), (sku, 2))
    store.ask(asked)
    aged(store, asked.order_id)
    expired(store)
    assert isinstance(store.ask(asked), InventoryReserved)
    expired(store)
    assert standing(store, sku) == (0, 2, 0)


def test_expiry_and_commit_race_and_one_of_them_wins(store: Bench) -> None:
    """Meanwhile others buy what expires. An order that was told it is committed has its units, one
    that was told otherwise has none, and no unit is sold twice."""
    sku = stocked(store, 120)
    asked = [reserve(new_order(), (sku, 1)) for _ in range(120)]
    store.send_all(asked)
    aged(store, *(each.order_id for each in asked))
    parts = [asked[at : at + 10] for at in range(0, 120, 10)]
    with ThreadPoolExecutor(4) as workers:
        sent = [workers.submit(store.send_all, list(map(kept, part))) for part in parts]
        others = [
            workers.submit(store.send_all, [reserve(new_order(), (sku, 1)) for _ in range(10)])
            for _ in range(12)
        ]
        expiring = [workers.submit(expired, store) for _ in range(6)]
        for each in others:
            each.result()
        assert sum(each.result() for each in expiring) <= 120
    answers = [store.answer(envelope) for part in sent for envelope in part.result()]
    states = dict(store.rows("SELECT order_id::text, state FROM reservations"))
    for answer in answers:
        won = isinstance(answer, InventoryCommitted)
        assert states[answer.order_id] == ("committed" if won else "expired")
    held = sum(states[each.order_id] == "committed" for each in asked)
    bought = standing(store, sku)[1] - held
    assert held > 0
    assert 0 <= bought <= 120 - held
    assert (standing(store, sku)[0], wrong(store, sku)) == (120 - held - bought, [])


def test_many_orders_expire_in_few_statements(store: Bench) -> None:
    """However many fall due at once, and none of them twice."""
    sku = stocked(store, 50)
    asked: list[Message] = [reserve(new_order(), (sku, 1)) for _ in range(50)]
    store.send_all(asked)
    aged(store, *(each.order_id for each in asked))  # type: ignore[attr-defined]  # reservations
    with ThreadPoolExecutor(2) as workers:
        done = [each.result() for each in [workers.submit(expired, store) for _ in range(2)]]
    assert sum(done) <= 50
    assert standing(store, sku) == (50, 0, 0)
