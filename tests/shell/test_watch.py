"""What sagas do is counted and traced once it is committed: steps, undos, doubts, and their end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from prometheus_client import Counter

from contracts.messages.base import Result
from contracts.messages.fraud import FraudCheckFailed, FraudCheckPassed, FraudSuspected
from contracts.messages.inventory import InventoryReserved
from contracts.messages.loyalty import LoyaltyPointsApplied
from contracts.messages.orders import OrderCreated, OrderRejected
from contracts.messages.payments import PaymentStatusUnknown
from contracts.messages.promotions import PromotionApplied
from contracts.messages.values import MessageId, OrderId, SagaId, saga_id_of, stamped
from contracts.runtime import metrics
from orchestrator.core.advance import advance
from orchestrator.core.sample import example_of
from orchestrator.core.state import Answer, Chosen, Kind, Parent, Start, Wake, begin
from orchestrator.core.turn import id_of
from orchestrator.sagas.order import ORDER
from orchestrator.shell import watch
from orchestrator.shell.store import Loaded

NOW = datetime(2026, 11, 26, 3, tzinfo=UTC)


class Played:
    """An order's saga, whose services the test speaks for."""

    def __init__(self, name: str, parent: Parent | None = None) -> None:
        self.order = OrderId(stamped(NOW, name))
        data = example_of(ORDER.data)  # type: ignore[arg-type]  # a class is hashable
        state = begin(ORDER, saga_id_of(self.order), data, NOW, parent)
        self.saga = Loaded(state, self.order)
        self.at = NOW
        self.take(Start(at=NOW))

    def take(self, given: Any) -> None:
        """Let this happen to it."""
        decision = advance(ORDER, self.saga.state, given)
        assert decision.ignored is None
        self.saga.take(given, decision)

    def answered(self, step: str, result: type[Result], kind: Kind = "do") -> None:
        """The step's service answers, a second later."""
        self.at += timedelta(seconds=1)
        command = id_of(self.saga.state.id, ORDER.flat[ORDER.place[step]], kind, 1)
        example = example_of(result)  # type: ignore[arg-type]  # a class is hashable
        self.take(Answer(at=self.at, command_id=MessageId(command), result=example))

    def wait(self) -> None:
        """Nobody answers in time."""
        due = self.saga.state.wake_at
        assert due
        self.at = due
        self.take(Wake(at=due))

    def spans(self) -> dict[str, Any]:
        """Its spans by name."""
        return {done.name: done for done in watch._spans(self.saga)}


@pytest.fixture(autouse=True)
def counting(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process counts, in its own memory."""
    monkeypatch.setattr(metrics, "ON", True)


def count(counter: Counter, *labels: str) -> float:
    """Where a counter stands."""
    value: float = counter.labels(*labels)._value.get()
    return value


def undone(name: str) -> Played:
    """An order that is rejected and undone."""
    played = Played(name)
    played.answered("create order", OrderCreated)
    played.answered("check fraud", FraudCheckFailed)
    played.answered("create order", OrderRejected, "undo")
    assert played.saga.state.status == "undone"
    return played


def test_an_order_that_is_undone_is_counted() -> None:
    """Its start, its answers, the compensation that began, and an end that spent nothing."""
    counters = (
        (watch.started, "order"),
        (watch.results, "order", "check fraud", "failed"),
        (watch.commands, "order", "create order", "undo", "first"),
        (watch.ended, "order", "undone", "nothing"),
    )
    before = [count(*counter) for counter in counters]
    watch._committed([undone("counted").saga], True)
    assert [count(*counter) for counter in counters] == [number + 1 for number in before]
    watch._committed([undone("rolled back").saga], False)
    assert [count(*counter) for counter in counters] == [number + 1 for number in before]


def test_silence_and_a_person_are_counted() -> None:
    """What is sent again is told from what is sent; a saga that asked a person has spent."""
    again = (watch.commands, "order", "create order", "do", "silent")
    asked = (watch.reviews, "order", "risk", "asked")
    spent = (watch.ended, "order", "undone", "person")
    before = [count(*counter) for counter in (again, asked, spent)]
    played = Played("silent")
    played.wait()
    played.answered("create order", OrderCreated)
    played.answered("check fraud", FraudSuspected)
    review = played.saga.state.review
    assert review
    chosen = Chosen(at=played.at, review_id=review.id, choice="undo", by="ann", reason="odd")
    played.take(chosen)
    played.answered("create order", OrderRejected, "undo")
    watch._committed([played.saga], True)
    after = [count(*counter) for counter in (again, asked, spent)]
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 1]


def test_an_order_that_took_longer_than_its_deadline_has_spent() -> None:
    """Unless it waited for its parcels, which have deadlines of their own."""
    state, late = undone("late").saga.state, timedelta(hours=1)
    assert watch._spent(state, NOW) == "nothing"
    assert watch._spent(state, NOW + late) == "deadline"
    parcels = [step.name for step in ORDER.flat].index("ship parcels")
    steps = [*state.steps]
    steps[parcels] = replace(steps[parcels], status="done")
    waited = replace(state, steps=tuple(steps))
    assert watch._spent(waited, NOW + late) == "nothing"


def test_a_doubt_is_counted_and_traced() -> None:
    """The command in doubt has its span, and each query one of its own."""
    played = Played("doubt")
    played.answered("create order", OrderCreated)
    played.answered("check fraud", FraudCheckPassed)
    played.answered("reserve inventory", InventoryReserved)
    played.answered("apply promotion", PromotionApplied)
    doubt = (watch.results, "order", "authorize payment", "unknown")
    before = count(*doubt)
    played.answered("redeem points", LoyaltyPointsApplied)
    played.answered("authorize payment", PaymentStatusUnknown)
    played.answered("authorize payment", PaymentStatusUnknown, "query")
    watch._committed([played.saga], True)
    assert count(*doubt) == before + 2
    spans = played.spans()
    assert spans["authorize payment"].parent == (played.saga.state.id,)
    assert spans["ask about authorize payment"].attributes["result"] == "PaymentStatusUnknown"
    assert "saga order" not in spans


def test_spans_of_a_saga_hang_together() -> None:
    """Below the request that brought the order; each command from when it was sent to its answer,
    what was refused with the reason."""
    played = undone("traced")
    spans = played.spans()
    saga = spans["saga order"]
    assert saga.parent == (played.saga.state.id, watch.HTTP)
    assert saga.ended - saga.began == 3_000_000_000
    assert {name for name, done in spans.items() if done.parent == saga.about} == {
        "create order",
        "check fraud",
        "undo create order",
    }
    assert spans["check fraud"].wrong
    assert spans["check fraud"].ended - spans["check fraud"].began == 1_000_000_000


def test_a_parcel_hangs_below_the_command_that_began_it() -> None:
    """And the saga that takes an order back below the order's."""
    command = MessageId(stamped(NOW, "ship parcels"))
    parcel = Played("parcel", Parent(saga=SagaId("some"), command=command)).saga.state
    assert watch._parent(parcel, stamped(NOW, "parcel")) == (command,)
    order = stamped(NOW, "order")
    other = Played("another").saga.state
    assert watch._parent(other, order) == (saga_id_of(order),)
