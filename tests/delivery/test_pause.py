"""A paused service keeps what comes and does nothing with it; afterwards each takes effect once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from contracts.delivery.due import Host
from contracts.delivery.memory import Memory
from contracts.delivery.outside import Outside
from contracts.delivery.pause import pause, resume
from contracts.delivery.service import Done, Intent, Service
from contracts.delivery.turn import want
from contracts.messages.inventory import InventoryReserved, ReserveInventory
from contracts.runtime.session import BatchSession
from tests.delivery.conftest import Bench
from tests.delivery.test_inbox import order, reserve, with_table
from tests.simulators.running import until

NAMES = ("a", "b", "c")
EFFECTS = "SELECT count(*), count(DISTINCT id) FROM effects"


@pytest.fixture
def stock(bench: Bench) -> Service:
    """Reserves by writing one row an order, in batches that `bench.effects` remembers; fails for
    orders that stand there."""
    with_table(bench)
    return made(bench)


def made(bench: Bench) -> Service:
    """The service, anew as in another process."""
    service = bench.service("stock")

    @service.handles(ReserveInventory)
    def reserve(command: ReserveInventory, session: Session) -> InventoryReserved:
        if command.order_id in bench.effects:
            raise RuntimeError("no luck")
        session.execute(text("INSERT INTO effects VALUES (:id)"), {"id": command.order_id})
        return InventoryReserved(order_id=command.order_id)

    @service.chore(every=timedelta(0))
    def look(session: BatchSession) -> int:
        bench.effects.append("chore")
        return 0

    return service


@contextmanager
def running(host: Host) -> Iterator[Host]:
    """The host at work."""
    host.start()
    try:
        yield host
    finally:
        host.stop()


def rest(host: Host, seconds: float = 3600) -> None:
    """Somebody pauses the service."""
    length = timedelta(seconds=seconds)
    with host.db.transaction() as session:
        assert pause(session, "olga", "it floods us", length)


def go_on(host: Host) -> None:
    """Somebody ends the pause."""
    with host.db.transaction() as session:
        assert resume(session)


def kept(bench: Bench) -> list[tuple[object, ...]]:
    """What is put aside: how often it was begun, and why it failed."""
    return bench.rows("stock", "SELECT count, error FROM attempts WHERE envelope IS NOT NULL")


def test_what_comes_during_a_pause_is_kept_and_takes_effect_once_after_it(
    bench: Bench, stock: Service
) -> None:
    """Also what comes twice, and what is handed to a process that has not looked yet; it was no
    failure, and nothing is left of it."""
    host = bench.memory.host(stock)
    rest(host)
    host.receive([reserve(name) for name in NAMES])
    host.receive([reserve("a")])
    assert kept(bench) == [(0, None)] * 3
    with running(host):
        until(lambda: host._paused)
        assert bench.rows("stock", EFFECTS) == [(0, 0)]
        go_on(host)
        until(lambda: bench.rows("stock", EFFECTS) == [(3, 3)])
        until(lambda: bench.rows("stock", "SELECT count(*) FROM attempts") == [(0,)])
    assert bench.rows("stock", "SELECT count(*) FROM dead_letters") == [(0,)]
    assert bench.memory._queues["shop"].qsize() == 1  # the answers went out together


def test_a_restart_forgets_neither_the_pause_nor_what_was_kept(
    bench: Bench, stock: Service
) -> None:
    """Another process of the service rests from its first batch on, and takes up both later."""
    first = bench.memory.host(stock)
    rest(first)
    first.receive([reserve("a")])
    first.stop()
    second = bench.memory.host(made(bench))
    second.receive([reserve("b")])
    assert len(kept(bench)) == 2
    go_on(second)
    with running(second):
        until(lambda: bench.rows("stock", EFFECTS) == [(2, 2)])


def test_a_pause_ends_by_itself(bench: Bench, stock: Service) -> None:
    host = bench.memory.host(stock)
    rest(host, seconds=0.3)
    host.receive([reserve("a")])
    assert kept(bench) == [(0, None)]
    with running(host):
        until(lambda: bench.rows("stock", EFFECTS) == [(1, 1)])
        host.receive([reserve("b")])
        assert bench.rows("stock", EFFECTS) == [(2, 2)]


def test_retries_and_chores_rest_and_what_was_kept_comes_before_chores(
    bench: Bench, stock: Service
) -> None:
    """A chore that runs first after the pause finds all that came meanwhile."""
    host = bench.memory.host(stock)
    bench.effects.append(order("b"))
    host.receive([reserve("b")])
    rest(host)
    bench.effects.clear()
    with running(host):
        until(lambda: host._paused)
        host.receive([reserve("a")])
        for _ in range(3):
            host._loop._turn(host._look)
        assert bench.rows("stock", EFFECTS) == [(0, 0)]
        assert bench.effects == []
        go_on(host)
        until(lambda: bench.effects)
        assert bench.rows("stock", EFFECTS)[0][0]
        until(lambda: bench.rows("stock", EFFECTS) == [(2, 2)])


def test_one_that_fails_among_those_kept_harms_no_other_and_is_counted_from_then(
    bench: Bench, stock: Service
) -> None:
    host = bench.memory.host(stock)
    rest(host)
    host.receive([reserve(name) for name in NAMES])
    bench.effects.append(order("b"))
    assert host.inbox.retry(10) == 3
    assert bench.rows("stock", EFFECTS) == [(2, 2)]
    assert kept(bench) == [(1, "RuntimeError: no luck")]


def test_those_kept_are_tried_alone_when_they_ended_the_worker(
    bench: Bench, stock: Service
) -> None:
    """Each of them was counted when they were begun together."""
    host = bench.memory.host(stock)
    rest(host)
    host.receive([reserve(name) for name in NAMES])
    together, alone = host.inbox._attempts.due(10)
    host.inbox._attempts.begin_kept(together)
    assert (len(together), alone) == (3, [])
    with host.db.transaction() as session:
        session.execute(text("UPDATE attempts SET due_at = now()"))
    together, alone = host.inbox._attempts.due(10)
    assert (together, len(alone)) == ([], 3)


@dataclass(frozen=True, kw_only=True)
class Call(Intent):
    """Something to be done outside."""


def test_nothing_is_begun_outside_during_a_pause(bench: Bench) -> None:
    """Neither what is due nor what is handed over in memory; later it is done once."""
    service, done = bench.service("mail"), []

    @service.performs(Call)
    async def call(intent: Call, outside: Outside) -> Done:
        done.append(intent.key)
        return Done()

    def wanted(session: BatchSession) -> None:
        want(session, Call(key="k"))

    host = bench.memory.host(service)
    rest(host)
    with running(host):
        until(lambda: host._paused)
        host.run(wanted)
        assert host.performers.due(10) == 1  # as if another process had begun to look
        until(lambda: bench.rows("mail", "SELECT 1 FROM intents WHERE due_at <= now()"))
        assert done == []
        go_on(host)
        until(lambda: done == ["k"])


def test_an_edge_that_speaks_for_a_paused_service_is_not_paused(bench: Bench) -> None:
    """It is not started, and it writes."""
    with_table(bench)
    host = Memory(bench.config).host(made(bench))
    rest(host)
    host.run(lambda session: _written(session))
    assert bench.rows("shop", "SELECT count(*) FROM stock.effects") == [(1,)]
    host.db.close()


def _written(session: Any) -> None:
    session.execute(text("INSERT INTO effects VALUES ('x')"))


def test_only_one_pauses_and_only_one_resumes(bench: Bench, stock: Service) -> None:
    """Whoever comes second is told so; after its end there is a pause no more."""
    host = bench.memory.host(stock)
    with host.db.transaction() as session:
        first = pause(session, "olga", "why", timedelta(hours=1))
        assert first is not None
        assert pause(session, "otto", "why", timedelta(hours=2)) is None
        assert resume(session) == first
        assert resume(session) is None
