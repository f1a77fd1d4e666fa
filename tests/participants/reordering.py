"""A payment in a given order of events: its commands, the provider's answers and its reports.

The handlers and recorders run as they do at work; what the provider answers and reports is written
down, and so is the order in which it comes. A run is rolled back.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from contracts.delivery.envelope import Envelope
from contracts.delivery.service import Intent, Outcome
from contracts.delivery.turn import Turn
from contracts.messages.base import Command
from contracts.messages.values import MessageId, derived
from contracts.runtime.session import BatchSession
from participants.payments.handlers import payments
from participants.payments.webhooks import reported
from tests.participants.bench import Bench, new_order
from tests.participants.reporting import parsed

ORDER = new_order()


@dataclass
class Story:
    """Commands, what the provider answers to which call, and what it reports of its own accord.

    `reports` by kind: the call that must have been asked for before, and the object it shows. A
    report may come before the answer, but that of an `expiry` only when the hold was answered.
    """

    commands: Sequence[Command[Any]]
    answers: dict[str, Outcome]
    reports: dict[str, tuple[str, dict[str, Any]]]
    expiry: str = ""


@dataclass
class Run:
    """One run of a story: commands one after the other, reports in between."""

    story: Story
    session: BatchSession
    asked: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)
    commanded: int = 0
    waiting: Intent | None = None
    told: list[str] = field(default_factory=list)

    def over(self) -> bool:
        """Whether every command was answered."""
        return self.waiting is None and self.commanded == len(self.story.commands)

    def step(self) -> None:
        """The provider answers, or the next command comes."""
        if self.waiting:
            called, self.waiting = self.waiting, None
            outcome = self.story.answers[named(called)]
            self.answered.add(named(called))
            record = payments.performed[type(called)].record
            assert record
            self._take(record(called, outcome, self._about()))
        else:
            command = self.story.commands[self.commanded]
            self.commanded += 1
            self._take(payments.handled[type(command)].handler(command, self._about()))

    def can(self, kind: str) -> bool:
        """Whether the provider can have reported this already."""
        call, _ = self.story.reports[kind]
        return call in (self.answered if kind == self.story.expiry else self.asked)

    def report(self, kind: str, times: int = 1) -> None:
        """The provider reports."""
        event = parsed(kind, self.story.reports[kind][1])
        turn = Turn(payments, self.session, timedelta(0))
        news = [reported(self.session, [event])[0] for _ in range(times)]
        assert news == [True, False][:times]
        turn.write()

    def _about(self) -> BatchSession:
        number = self.commanded
        command = self.story.commands[number - 1]
        envelope = Envelope(
            id=MessageId(key(number)),
            message=command,
            source="asker",
            at=datetime.now(UTC),
            subject=ORDER,
        )
        self.session.info.update(envelope=envelope, service="payments", events=[])
        return self.session

    def _take(self, answer: Any) -> None:
        self.session.flush()
        if isinstance(answer, Intent):
            self.waiting = answer
            self.asked.add(named(answer))
        else:
            self.told.append(type(answer).__name__)

    def outcome(self) -> Any:
        """The payment, its refunds and its ledger at the end, and what was answered."""
        columns = "state, taken, refunded, refunding, reference, held, renewed, code, create_key"
        payment = self._rows(f"SELECT {columns} FROM payments WHERE order_id = :id")
        refunds = self._rows("SELECT refund_id, state, amount FROM refunds WHERE order_id = :id")
        entries = "SELECT operation, part, amount FROM money_entries WHERE order_id = :id"
        return payment, refunds, sorted(self._rows(entries)), self.told

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.session.execute(text(query), {"id": ORDER})]


@contextmanager
def running(desk: Bench, story: Story) -> Iterator[Run]:
    """A run of the story that leaves nothing behind."""
    with desk.host.db.session() as session:
        yield Run(story, session)
        session.rollback()


def key(number: int) -> str:
    """The id of the nth command, which is the key of what it asks for."""
    return derived(ORDER, "command", str(number))


def named(call: Intent) -> str:
    """What is asked for, by the hold's key or the provider's id."""
    about = {"Hold": call.key, "Take": getattr(call, "reference", "")}
    return f"{type(call).__name__} {about.get(type(call).__name__, '')}".strip()
