"""A saga whose step begins others waits until the last of them has ended, and is told once."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import text

from contracts.delivery.due import Host
from contracts.delivery.envelope import Envelope
from contracts.delivery.memory import Memory
from contracts.messages.base import Result
from contracts.messages.inventory import InventoryCommittedInParcels
from contracts.messages.values import (
    MessageId,
    OrderId,
    Parcel,
    SagaId,
    parcel_saga_id,
    saga_id_of,
    stamped,
)
from contracts.runtime.database import Database
from contracts.runtime.session import BatchSession
from contracts.runtime.settings import Settings, settings
from deploy.overview.story import why
from orchestrator.core.definition import Saga
from orchestrator.core.sample import example_of, sample
from orchestrator.core.state import Chosen
from orchestrator.core.turn import id_of
from orchestrator.sagas import SAGAS
from orchestrator.sagas.order_data import Order
from orchestrator.shell import recent, runner
from orchestrator.shell.handlers import orchestrator
from orchestrator.shell.runner import Beginning
from tests.participants.bench import SIGNING_KEY, migrated

ORDER, PARCEL = SAGAS["order", 1], SAGAS["parcel", 1]
NUMBERS = count(1)
STEPS = ("open parcel", "pick parcel", "capture payment", "start shipping")
SENT = ("ParcelOpened", "ParcelPicked", "PaymentCaptured", "ShippingRequested")


@pytest.fixture
def memory(postgres: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Memory]:
    """The orchestrator alone, with its queue; the test speaks for the services."""
    monkeypatch.setenv("CONCERTO_SIGNING_KEY", SIGNING_KEY)
    settings.cache_clear()
    recent._sagas.clear()
    config = Settings(database_url=migrated(postgres), signing_key=SIGNING_KEY)
    memory = Memory(config)
    memory.host(orchestrator)
    with memory.hosts["orchestrator"].db.transaction() as session:
        session.execute(text("UPDATE sagas SET status = 'completed', wake_at = NULL"))
    yield memory
    for each in memory.hosts.values():
        each.stop()
    settings.cache_clear()


@pytest.fixture
def host(memory: Memory) -> Host:
    return memory.hosts["orchestrator"]


def test_each_parcel_is_a_saga_and_the_order_ends_when_the_last_has(memory: Memory) -> None:
    """One is sent, one is refused by all carriers and paid back; the order is told once."""
    host = memory.hosts["orchestrator"]
    order_id = shipping(memory)
    first, second = children(order_id)
    assert [standing(host, each).status for each in (first, second)] == ["running", "running"]
    finish(host, first)
    assert memory.settle() == 0, "the order is told before the last parcel has ended"
    tell(host, PARCEL, second, STEPS[:3], SENT[:3])
    tell(host, PARCEL, second, STEPS[3:], ("ShippingRefused",))
    review = standing(host, second).state["review"]["id"]
    chosen = {"review_id": review, "choice": "undo", "by": "Susan", "reason": "no carrier"}

    def undo(session: BatchSession) -> None:
        saga = runner.found(session, second)
        assert saga
        runner.tell(session, saga, Chosen, **chosen)

    host.run(undo)
    undone = ("PaymentReturned", "ParcelPutBack", "OrderRefunded")
    tell(host, PARCEL, second, tuple(reversed(STEPS[:3])), undone, kind="undo")
    assert standing(host, second).status == "undone"
    memory.settle()
    parent = standing(host, saga_id_of(order_id))
    assert parent.step == "close payment"
    ship = next(s for s in parent.state["steps"] if s["name"] == "ship parcels")
    assert (ship["status"], ship["result"]) == ("done", "ParcelsClosed")


def test_a_command_that_comes_again_begins_no_second_set_and_has_the_last_answer(
    memory: Memory,
) -> None:
    host = memory.hosts["orchestrator"]
    order_id = shipping(memory)
    again = asked(order_id, memory)
    host.receive([again])
    memory.settle()
    counted = "SELECT count(*) FROM sagas WHERE parent = :id"
    with host.db.transaction() as session:
        assert session.scalar(text(counted), {"id": saga_id_of(order_id)}) == 2
    for each in children(order_id):
        finish(host, each)
    with host.db.transaction() as session:
        kept = session.execute(text("SELECT result FROM inbox WHERE id = :id"), {"id": again.id})
        assert kept.scalar()["type"] == "concerto.ParcelsClosed.v1"


def test_what_is_said_when_the_last_ends_may_get_lost(memory: Memory) -> None:
    """The order asks now and then, and hears the same."""
    host = memory.hosts["orchestrator"]
    order_id = shipping(memory)
    for each in children(order_id):
        finish(host, each)
    memory._queues["orchestrator"].get()  # what the last one's end put there
    assert standing(host, saga_id_of(order_id)).step == "ship parcels"
    with host.db.transaction() as session:
        late = "UPDATE sagas SET wake_at = now() - interval '1 s' WHERE id = :id"
        session.execute(text(late), {"id": saga_id_of(order_id)})
    soon = datetime.now(UTC) + timedelta(hours=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("orchestrator.shell.store.now", lambda _: soon)
        host.run(runner.wake)
    memory.settle()
    assert standing(host, saga_id_of(order_id)).step == "close payment"


def test_of_parcels_that_end_at_the_same_time_one_tells_the_order(memory: Memory) -> None:
    """Each sees the other's end, or waits for it: twenty orders, never none, never two."""
    host = memory.hosts["orchestrator"]
    orders = [shipping(memory) for _ in range(20)]
    for order_id in orders:
        for each in children(order_id):
            tell(host, PARCEL, each, STEPS[:3], SENT[:3])
        last = [answered(PARCEL, each, STEPS[3], SENT[3]) for each in children(order_id)]
        together = [threading.Thread(target=host.receive, args=([one],)) for one in last]
        for thread in together:
            thread.start()
        for thread in together:
            thread.join(timeout=30)
    waiting = memory._queues["orchestrator"]
    told = [e.saga for _ in range(waiting.qsize()) for e in waiting.get() or ()]
    assert sorted(map(str, told)) == sorted(saga_id_of(order_id) for order_id in orders)


def test_children_need_no_room_of_their_own_and_their_parent_takes_none(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With room for one saga an order ships its parcels, and the next order begins meanwhile."""
    monkeypatch.setenv("CONCERTO_IN_FLIGHT_SAGAS", "3")
    settings.cache_clear()
    host = memory.hosts["orchestrator"]
    order_id = shipping(memory)
    assert all(standing(host, each).status == "running" for each in children(order_id))
    assert standing(host, begun(host)).status == "running"


def test_the_story_of_an_order_tells_where_each_parcel_is(memory: Memory) -> None:
    host = memory.hosts["orchestrator"]
    order_id = shipping(memory)
    finish(host, children(order_id)[0])
    trail = Database("trail", memory._settings)
    said = "\n".join(why(host.db, trail, order_id) or ())
    trail.close()
    assert "Parcel 1 of 2:" in said
    assert "The parcel is completed." in said
    assert "ship parcels: in sagas of its own" in said
    assert "The parcel is at open parcel." in said


def begun(host: Host) -> SagaId:
    order_id = OrderId(stamped(datetime.now(UTC), "order", str(next(NUMBERS))))
    data: Any = example_of(Order)
    fields = {**vars(data), "order_id": order_id}
    beginning = Beginning(ORDER, saga_id_of(order_id), order_id, Order(**fields))
    host.run(lambda s: runner.start(s, [beginning]))
    return beginning.saga_id


def shipping(memory: Memory) -> OrderId:
    """An order whose two parcels have just begun."""
    host = memory.hosts["orchestrator"]
    saga_id = begun(host)
    names = ("create order", "check fraud", "reserve inventory", "apply promotion")
    results = ("OrderCreated", "FraudCheckPassed", "InventoryReserved", "PromotionApplied")
    tell(host, ORDER, saga_id, names, results)
    tell(host, ORDER, saga_id, ("redeem points",), ("LoyaltyPointsApplied",))
    tell(host, ORDER, saga_id, ("authorize payment",), ("PaymentAuthorized",))
    parcel = example_of(Parcel)
    order_id = OrderId(standing(host, saga_id).subject)
    parcels = InventoryCommittedInParcels(order_id=order_id, parcels=(parcel, parcel))
    host.receive([answered(ORDER, saga_id, "commit stock", parcels)])
    tell(host, ORDER, saga_id, ("confirm order",), ("OrderAccepted",))
    memory.settle()
    return order_id


def children(order_id: OrderId) -> list[SagaId]:
    return [parcel_saga_id(saga_id_of(order_id), number) for number in (1, 2)]


def finish(host: Host, parcel: SagaId) -> None:
    tell(host, PARCEL, parcel, STEPS, SENT)
    assert standing(host, parcel).status == "completed"


def tell(
    host: Host,
    saga: Saga,
    saga_id: SagaId,
    steps: tuple[str, ...],
    results: tuple[str, ...],
    kind: Any = "do",
) -> None:
    for name, result in zip(steps, results, strict=True):
        host.receive([answered(saga, saga_id, name, result, kind)])


def answered(
    saga: Saga, saga_id: SagaId, name: str, result: str | Result, kind: Any = "do"
) -> Envelope:
    step = saga.flat[saga.place[name]]
    number = str(next(NUMBERS))
    return Envelope(
        id=MessageId(stamped(datetime.now(UTC), "answer", number)),
        message=sample(result, step) if isinstance(result, str) else result,
        source="a service",
        at=datetime.now(UTC),
        subject="",
        saga=saga_id,
        cause=id_of(saga_id, step, kind, 1),
    )


def asked(order_id: OrderId, memory: Memory) -> Envelope:
    """The command to ship the parcels, as it is sent again."""
    host, saga_id = memory.hosts["orchestrator"], saga_id_of(order_id)
    data = standing(host, saga_id).data
    row = {**data, "parcels": tuple(Parcel(**parcel) for parcel in data["parcels"])}
    step = ORDER.flat[ORDER.place["ship parcels"]]
    order = Order(**{**vars(example_of(Order)), "order_id": order_id, "parcels": row["parcels"]})
    return Envelope(
        id=id_of(saga_id, step, "do", 1),
        message=order.ship_parcels(),
        source="orchestrator",
        at=datetime.now(UTC),
        subject=order_id,
        saga=saga_id,
        again=True,
    )


def standing(host: Host, saga_id: SagaId) -> Any:
    with host.db.transaction() as session:
        found = session.execute(text("SELECT * FROM sagas WHERE id = :id"), {"id": saga_id})
        return found.one()
