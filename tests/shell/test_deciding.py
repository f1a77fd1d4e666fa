"""What a process remembers of its sagas saves reading, and never decides twice."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import text

from contracts.delivery.due import Host
from contracts.delivery.envelope import Envelope
from contracts.delivery.memory import Memory
from contracts.delivery.service import Service
from contracts.messages.base import Result
from contracts.messages.fraud import FraudCheckPassed
from contracts.messages.orders import OrderCancelled, OrderCreated
from contracts.messages.values import (
    CustomerId,
    MessageId,
    Money,
    OrderId,
    SagaId,
    saga_id_of,
    stamped,
)
from contracts.runtime.session import BatchSession
from contracts.runtime.settings import Settings, settings
from orchestrator.core.sample import example_of
from orchestrator.core.state import Cancelled, Chosen
from orchestrator.core.turn import id_of
from orchestrator.sagas import SAGAS
from orchestrator.sagas.order_data import Order
from orchestrator.shell import clock, recent, runner, store
from orchestrator.shell.runner import Beginning, orchestrator
from tests.participants.bench import SIGNING_KEY, migrated

ORDER = SAGAS["order", 1]
NUMBERS = count(1)


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process remembers nothing yet, and believes what it will remember."""
    monkeypatch.setenv("CONCERTO_SIGNING_KEY", SIGNING_KEY)
    settings.cache_clear()
    recent._sagas.clear()
    monkeypatch.setattr(recent, "_believed_from", 0.0)
    runner.CROWDED.clear()
    yield
    settings.cache_clear()


@pytest.fixture
def host(postgres: str) -> Iterator[Host]:
    """The orchestrator on its database; nobody but the test turns it."""
    memory = Memory(Settings(database_url=migrated(postgres), signing_key=SIGNING_KEY))
    memory.host(Service("orders"))
    memory.host(Service("inventory"))
    host = memory.host(orchestrator)
    with host.db.transaction() as session:  # others' sagas would take the room for ours
        session.execute(text("UPDATE sagas SET status = 'completed', wake_at = NULL"))
    yield host
    for each in memory.hosts.values():
        each.stop()


@pytest.fixture
def read(host: Host, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the sagas that are read, in the order in which they are."""
    ids: list[str] = []
    load = store.load

    def told(session: BatchSession, wanted: Any, sagas: Any) -> Any:
        ids.extend(wanted)
        return load(session, wanted, sagas)

    monkeypatch.setattr(store, "load", told)
    return ids


def begun(host: Host) -> SagaId:
    """A new saga whose first command is out."""
    order_id = OrderId(stamped(datetime.now(UTC), "order", str(next(NUMBERS))))
    data = example_of(Order)
    saga_id = saga_id_of(order_id)
    host.run(lambda s: runner.start(s, [Beginning(ORDER, saga_id, order_id, data)]))
    return saga_id


def created(saga_id: SagaId) -> Envelope:
    """The answer to its first command."""
    done = OrderCreated(
        order_id=OrderId("o"), customer_id=CustomerId("c"), total=Money(amount=1, currency="GBP")
    )
    return answered(saga_id, 0, done)


def answered(saga_id: SagaId, place: int, result: Result, attempt: int = 1) -> Envelope:
    """The answer to the command of the step at `place`."""
    number = str(next(NUMBERS))
    return Envelope(
        id=MessageId(stamped(datetime.now(UTC), "answer", number)),
        message=result,
        source="orders",
        at=datetime.now(UTC),
        subject="",
        saga=saga_id,
        cause=id_of(saga_id, ORDER.flat[place], "do", attempt),
    )


def ended(host: Host, saga_id: SagaId) -> Envelope:
    """Let it be cancelled, and undone; the last answer that it got."""
    host.receive([created(saga_id)])
    host.run(lambda session: _cancelled(session, saga_id))
    host.receive([answered(saga_id, 1, FraudCheckPassed(order_id=OrderId("o")))])
    undone = OrderCancelled(order_id=OrderId("o"), reason="no more", confirmed=False)
    last = replace(answered(saga_id, 0, undone), cause=id_of(saga_id, ORDER.flat[0], "undo", 1))
    host.receive([last])
    return last


def _cancelled(session: BatchSession, saga_id: SagaId) -> None:
    saga = runner.found(session, saga_id)
    assert saga
    runner.tell(session, saga, Cancelled, by="c", reason="no more")


def standing(host: Host, saga_id: SagaId) -> Any:
    """Its row."""
    with host.db.transaction() as session:
        found = session.execute(text("SELECT * FROM sagas WHERE id = :id"), {"id": saga_id})
        return found.one()


def inputs(host: Host, saga_id: SagaId) -> int:
    """How many decisions its journal has."""
    entries = "SELECT count(*) FROM journal WHERE saga_id = :id"
    with host.db.transaction() as session:
        return int(session.scalar(text(entries), {"id": saga_id}))


def test_what_this_process_decided_last_is_not_read_again(host: Host, read: list[str]) -> None:
    saga_id = begun(host)
    host.receive([created(saga_id)])
    host.receive([answered(saga_id, 1, FraudCheckPassed(order_id=OrderId("o")))])
    assert read == []
    assert standing(host, saga_id).step != "check fraud"
    assert inputs(host, saga_id) == 3


def test_an_answer_that_means_nothing_to_what_is_remembered_is_looked_up(
    host: Host, read: list[str]
) -> None:
    saga_id = begun(host)
    before = dict(recent._sagas)
    host.receive([created(saga_id)])
    recent._sagas.update(before)  # as if another worker had taken that answer
    host.receive([answered(saga_id, 1, FraudCheckPassed(order_id=OrderId("o")))])
    assert read == [saga_id]
    assert standing(host, saga_id).version == inputs(host, saga_id) == 3


def test_what_another_worker_has_decided_is_not_decided_again(host: Host, read: list[str]) -> None:
    saga_id, other = begun(host), begun(host)
    before = dict(recent._sagas)
    host.receive([created(saga_id)])
    recent._sagas.update(before)
    host.receive([created(saga_id)])
    assert read == [saga_id]
    assert standing(host, saga_id).version == inputs(host, saga_id) == 2
    host.receive([created(other)])
    assert read == [saga_id, other], "after a race nothing is believed for a while"


def test_a_race_about_a_saga_in_review_is_run_again(
    host: Host, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is remembered says that a person is asked, and somebody has decided meanwhile: the
    late answer closes no review, and nothing is decided twice."""
    saga_id = begun(host)
    in_silence(host, saga_id, monkeypatch)
    before = dict(recent._sagas)
    review = standing(host, saga_id).state["review"]["id"]
    chosen = {"review_id": review, "choice": "continue", "by": "Olga", "reason": "it is so"}
    host.run(lambda s: decide(s, saga_id, chosen))
    decided = standing(host, saga_id).version
    recent._sagas.update(before)
    host.receive([created(saga_id)])
    assert read[-1:] == [saga_id]
    assert standing(host, saga_id).version == inputs(host, saga_id) == decided


def decide(session: BatchSession, saga_id: SagaId, chosen: dict[str, str]) -> None:
    """A person decides."""
    saga = runner.found(session, saga_id)
    assert saga
    runner.tell(session, saga, Chosen, **chosen)


def in_silence(host: Host, saga_id: SagaId, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let time pass without an answer until a person is asked."""
    for hours in range(1, 20):
        later = datetime.now(UTC) + timedelta(hours=hours)
        monkeypatch.setattr(store, "now", lambda _, later=later: later)
        with host.db.transaction() as session:
            woken = "UPDATE sagas SET wake_at = now() - interval '1 s' WHERE id = :id"
            session.execute(text(woken), {"id": saga_id})
        host.run(runner.wake)
        if standing(host, saga_id).status == "review":
            return
    raise AssertionError("nobody is asked")


def test_two_threads_decide_about_one_saga_one_after_the_other(host: Host) -> None:
    saga_id = begun(host)
    with host.db.session() as session, session.begin():
        recent.taken(session, [saga_id])
        other = threading.Thread(target=host.receive, args=([created(saga_id)],))
        other.start()
        other.join(timeout=0.3)
        assert other.is_alive(), "it does not wait for who has the saga"
    other.join(timeout=10)
    assert not other.is_alive()
    assert not recent._deciding
    assert standing(host, saga_id).version == inputs(host, saga_id) == 2


def test_a_saga_wakes_early_rather_than_moving_its_time_with_every_answer(host: Host) -> None:
    saga_id = begun(host)
    host.receive([created(saga_id)])
    intended = standing(host, saga_id).wake_at
    host.receive([answered(saga_id, 1, FraudCheckPassed(order_id=OrderId("o")))])
    row = standing(host, saga_id)
    assert row.wake_at == intended < datetime.fromisoformat(row.state["wake_at"])


def test_a_saga_that_wakes_before_anything_is_due_sleeps_until_it_is(host: Host) -> None:
    saga_id = begun(host)
    with host.db.transaction() as session:
        session.execute(text("UPDATE sagas SET wake_at = now() - interval '1 s'"))
    host.run(runner.wake)
    row = standing(host, saga_id)
    assert row.wake_at == datetime.fromisoformat(row.state["wake_at"])
    assert row.version == inputs(host, saga_id) == 1


def test_the_databases_time_is_carried_on_and_looked_at_again(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
    monkeypatch.setattr(clock, "monotonic", lambda: 100.0)
    clock.look(noon)
    monkeypatch.setattr(clock, "monotonic", lambda: 100.5)
    assert clock.now() == noon + timedelta(seconds=0.5)
    monkeypatch.setattr(clock, "monotonic", lambda: 102.0)
    assert clock.now() is None
    with host.db.transaction() as session:
        assert abs(store.now(session) - datetime.now(UTC)) < timedelta(seconds=30)


def test_in_the_place_of_a_saga_that_ends_one_other_begins_however_often_it_is_answered(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else more and more would be under way when answers are late and commands sent again."""
    _limited(monkeypatch, 1)
    first, second, third = (begun(host) for _ in range(3))
    assert [standing(host, saga).status for saga in (first, second)] == ["running", "accepted"]
    last = ended(host, first)
    assert [standing(host, saga).status for saga in (first, second)] == ["undone", "running"]
    host.receive([replace(last, id=MessageId(stamped(datetime.now(UTC), "again")))])
    assert standing(host, third).status == "accepted"


def test_while_too_many_are_under_way_none_begins_in_the_place_of_one_that_ends(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as there is room for are under way again after some have ended."""
    _limited(monkeypatch, 2)
    first, second, third = (begun(host) for _ in range(3))
    _limited(monkeypatch, 1)
    host.run(runner.admit)
    ended(host, first)
    assert standing(host, third).status == "accepted"
    host.run(runner.admit)
    ended(host, second)
    assert standing(host, third).status == "running"


def _limited(monkeypatch: pytest.MonkeyPatch, sagas: int) -> None:
    monkeypatch.setenv("CONCERTO_IN_FLIGHT_SAGAS", str(sagas))
    settings.cache_clear()
