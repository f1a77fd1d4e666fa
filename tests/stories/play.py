"""The stage on which a story is told: one saga, no services, and a clock that the test turns."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from contracts.messages.base import Result
from contracts.messages.orders import OrderAdjusted
from contracts.messages.values import Money, OrderId, SagaId, stamped
from orchestrator.core.advance import advance
from orchestrator.core.decision import Decision, Send
from orchestrator.core.definition import Saga
from orchestrator.core.sample import example_of, sample
from orchestrator.core.state import (
    Answer,
    Cancelled,
    Chosen,
    Hurried,
    Input,
    Paused,
    Reassigned,
    Resumed,
    Start,
    Wake,
    begin,
)
from orchestrator.core.tell import told, why
from orchestrator.sagas import SAGAS
from orchestrator.sagas.order_data import Order

ORDER = SAGAS["order", 1]
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
ORDER_ID = OrderId(stamped(NOON, "order"))


def order(payable: int = 1999, points: int = 0, code: str = "") -> "Play":
    """ORDER on the stage: what is to pay, the points among it, and a promotion code."""
    some: Order = example_of(Order)
    total = Money(amount=payable, currency="GBP")
    costs = replace(some.payable, points=points, total=total)
    return Play(ORDER, replace(some, order_id=ORDER_ID, payable=costs, promotion_code=code))


class Play:
    """One saga on a stage without services: the test speaks for them, and for time."""

    def __init__(self, saga: Saga, data: Any) -> None:
        self.saga = saga
        self.now = NOON
        self.state = begin(saga, SagaId(stamped(NOON, "saga")), data, NOON)
        self.journal: list[tuple[datetime, tuple[str, ...]]] = []
        self.sent: list[Send] = []
        self.published: list[str] = []
        self.happens(Start(at=NOON))

    def happens(self, happened: Input) -> Decision:
        decision = advance(self.saga, self.state, happened)
        ignored = (f"ignored: {decision.ignored}",) if decision.ignored else ()
        self.journal.append((happened.at, (*ignored, *decision.notes)))
        self.state = decision.state
        self.sent.extend(decision.commands)
        self.published.extend(event.wire_name() for event in decision.events)
        return decision

    def answer(self, name: str, reason: str = "", to: Send | None = None) -> None:
        """A service answers, the latest command unless told otherwise, 0.1 s later."""
        sent = to or self.sent[-1]
        result: Result = sample(name, self.saga.flat[self.saga.place[sent.step]])
        if isinstance(result, OrderAdjusted):
            result = replace(result, payable=self.state.data.payable)
        if reason:
            result = replace(result, reason=reason)  # type: ignore[call-arg]
        self.now += timedelta(seconds=0.1)
        self.happens(Answer(at=self.now, command_id=sent.id, result=result))

    def answers(self, *names: str) -> None:
        for name in names:
            self.answer(name)

    def silence(self, times: int = 1) -> None:
        """Nothing comes until something is due, that many times."""
        for _ in range(times):
            assert self.state.wake_at
            self.now = max(self.now, self.state.wake_at)
            self.happens(Wake(at=self.now))

    def chooses(self, choice: str, by: str, reason: str) -> None:
        assert self.state.review
        self.now += timedelta(minutes=5)
        review_id = self.state.review.id
        self.happens(Chosen(at=self.now, review_id=review_id, choice=choice, by=by, reason=reason))

    def reassigned(self, owner: str, by: str, reason: str) -> None:
        """Somebody lets another role decide, 1 min later."""
        assert self.state.review
        self.now += timedelta(minutes=1)
        about = self.state.review.id
        self.happens(Reassigned(at=self.now, review_id=about, owner=owner, by=by, reason=reason))

    def cancels(self, by: str = "Ann") -> None:
        """The customer cancels, 1 s later."""
        self.now += timedelta(seconds=1)
        self.happens(Cancelled(at=self.now, by=by, reason="found it cheaper"))

    def hurried(self, step: str, reason: str) -> None:
        """An operator has it tried now, 1 s later."""
        self.now += timedelta(seconds=1)
        self.happens(Hurried(at=self.now, step=step, by="Olga", reason=reason))

    def paused(self, reason: str) -> None:
        """An operator pauses it for an hour, 1 s later."""
        self.now += timedelta(seconds=1)
        until = self.now + timedelta(hours=1)
        self.happens(Paused(at=self.now, until=until, by="Olga", reason=reason))

    def resumed(self, reason: str) -> None:
        """An operator lets it go on, 10 min later."""
        self.now += timedelta(minutes=10)
        self.happens(Resumed(at=self.now, by="Olga", reason=reason))

    def until_review(self) -> None:
        while not self.state.review:
            self.silence()

    def lines(self) -> list[str]:
        return [*told(NOON, self.journal), "", *why(self.saga, self.state, self.now)]


def same(path: Path, text: str) -> None:
    """The text is the golden one (or becomes it)."""
    if os.environ.get("CONCERTO_WRITE_STORIES"):
        path.write_text(text)
    assert text == path.read_text(), f"{path.name} tells it otherwise"
