"""One transaction of a service, and what it lets out once it is committed.

Handlers and recorders give answers; a turn writes them down (inbox, intents, outbox) in a constant
number of statements, and after the commit says what is to be sent where.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

from contracts.delivery import outbox
from contracts.delivery.envelope import Envelope, stored
from contracts.delivery.service import Answer, Handling, Ignored, Intent, Performing, Service
from contracts.delivery.tables import dead_letters, inbox, intents
from contracts.messages.base import Command, Message, Result
from contracts.messages.catalogue import packed, type_of
from contracts.messages.trail import DeliveryState, Receipt, Receipts
from contracts.messages.values import MessageId, derived, stamped
from contracts.runtime.bulk import insert_rows, update_rows
from contracts.runtime.session import BatchSession

REASON_CHARACTERS = 2000

now: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: E731


@dataclass(frozen=True)
class Stored:
    """An intent as the performers take it: its id, what it is, and the message that wanted it, if
    one did: what a chore wants is answered to nobody, and not kept once it is recorded."""

    id: str
    intent: Intent
    envelope: Envelope | None
    attempts: int = 0


@dataclass
class Turn:
    """What one transaction of `service` has decided so far."""

    service: Service
    session: BatchSession
    lease: timedelta
    received: list[dict[str, Any]] = field(default_factory=list)
    settled: list[dict[str, Any]] = field(default_factory=list)
    wanted: list[Stored] = field(default_factory=list)
    outgoing: dict[str, list[Envelope]] = field(default_factory=dict)
    reports: dict[str, list[Receipt]] = field(default_factory=dict)
    events: list[Envelope] = field(default_factory=list)
    letters: list[dict[str, Any]] = field(default_factory=list)
    early: list[tuple[Envelope, str]] = field(default_factory=list)
    ignored: list[Envelope] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.session.info.update(service=self.service.name, events=self.events, send=[], turn=self)

    def load(self, handlings: Sequence[tuple[Handling | Performing, Any]]) -> None:
        """Lock and load what the handlings declared for these messages, by table, then key."""
        grouped: dict[Any, list[Any]] = {}
        for handling, message in handlings:
            if handling.loads:
                grouped.setdefault(handling.loads, []).append(message)
        keys: dict[type[Any], set[Any]] = {}
        for loads, messages in grouped.items():
            for mapped, wanted in loads(messages):
                keys.setdefault(mapped, set()).update(wanted)
        for mapped in sorted(keys, key=lambda mapped: mapped.__name__):
            self.session.load(mapped, keys[mapped])

    def receive(self, envelope: Envelope, answer: Answer) -> None:
        """The first answer to a message: an inbox row, and what follows from the answer."""
        row = {
            "id": envelope.id,
            "type": type_of(type(envelope.message)),
            "subject": envelope.subject,
        }
        self.received.append({**row, **self._answered(envelope, answer)})

    def record(self, envelope: Envelope, answer: Answer) -> None:
        """The later answer to a message whose intent was performed."""
        self.settled.append({"id": envelope.id, **self._answered(envelope, answer)})

    def receipt(
        self, event: Envelope, state: DeliveryState, attempts: int = 1, reason: str = ""
    ) -> Receipt:
        """Tell the trail (the trail: the publisher) what became of an event here."""
        name = self.service.name
        said = Receipt(
            event_id=event.id,
            subscriber=name,
            state=state,
            attempts=attempts,
            reason=keepable(reason),
        )
        to = event.source if name == outbox.TRAIL else outbox.TRAIL
        self.reports.setdefault(to, []).append(said)
        return said

    def ignore(self, event: Envelope, why: Ignored) -> Receipt:
        """The event changes nothing here, and the trail is told why."""
        self.ignored.append(event)
        return self.receipt(event, "ignored", reason=why.reason)

    def give_up(self, event: Envelope, attempts: int, reason: str) -> None:
        """The reaction to an event cannot be done: a dead letter, and the trail is told."""
        self.letters.append(letter(event, attempts, reason))
        said = self.receipt(event, "dead", attempts, reason)
        self.settled.append({"id": event.id, "settled": True, "result": _kept(said)})

    def again(self, envelope: Envelope, result: Message | None) -> None:
        """Answer a duplicate with what is stored."""
        if isinstance(result, Receipts):
            for said in result.receipts:
                self.receipt(envelope, said.state, said.attempts, said.reason)
        elif isinstance(result, Result):
            self._send(envelope.source, self._said(envelope, result))
        elif not isinstance(envelope.message, Command):
            self.receipt(envelope, "handled")

    def write(self) -> None:
        """Write everything down, within the transaction."""
        insert_rows(self.session, inbox, self.received)
        update_rows(self.session, inbox, self.settled)
        wanted = [_row(wanted) for wanted in self.wanted]
        insert_rows(self.session, intents, wanted, due_in=self.lease)
        insert_rows(self.session, dead_letters, self.letters, skip_known=True)
        outbox.store(self.session, self.events, self.lease)
        self.session.flush()
        for to, envelope in self.session.info["send"]:
            self._send(to, envelope)

    def want(self, intent: Intent, envelope: Envelope | None = None) -> None:
        """Have it performed; the message that wanted it, if there is one, gives it id and key."""
        if envelope:
            intent = intent if intent.key else replace(intent, key=envelope.id)
            identity = derived(envelope.id, type(intent).__name__, intent.key)
        else:
            identity = stamped(now(), type(intent).__name__, token_hex(8))
        self.wanted.append(Stored(identity, intent, envelope))

    def _answered(self, envelope: Envelope, answer: Answer) -> dict[str, Any]:
        result = packed(answer) if isinstance(answer, Result) else None
        if isinstance(answer, Intent):
            self.want(answer, envelope)
        elif isinstance(answer, Result):
            self._answer(envelope, answer)
        elif isinstance(answer, Ignored):
            result = _kept(self.ignore(envelope, answer))
        elif not isinstance(envelope.message, Command):
            self.receipt(envelope, "handled")
        later = isinstance(answer, Intent) or (
            answer is None and isinstance(envelope.message, Command)
        )
        return {"settled": not later, "result": result}

    def _answer(self, envelope: Envelope, result: Result) -> None:
        said = self._said(envelope, result)
        self._send(envelope.source, said)
        if result.public and getattr(envelope.message, "effect", True):
            self.events.append(said)  # a query changes nothing; what it found out, its service puts

    def _said(self, about: Envelope, message: Result) -> Envelope:
        return Envelope(
            id=MessageId(derived(about.id, type_of(type(message)))),
            message=message,
            source=self.service.name,
            at=now(),
            subject=about.subject,
            saga=about.saga,
            cause=about.id,
            follows=outbox.followed(message),
            trace=about.trace,
        )

    def _send(self, to: str, envelope: Envelope) -> None:
        self.outgoing.setdefault(to, []).append(envelope)


def want(session: BatchSession, intent: Intent, about: Envelope | None = None) -> None:
    """Have `intent` performed once the transaction of `session` is committed, as a handler has what
    it returns; `about` is the message that it answers, if there is one."""
    session.info["turn"].want(intent, about)


def tell(session: BatchSession, about: Envelope, answer: Result) -> None:
    """Answer a message that was answered with less before; a repeat of it hears the same."""
    session.info["turn"].record(about, answer)


def letter(envelope: Envelope, attempts: int, reason: str) -> dict[str, Any]:
    """The dead letter of a message."""
    return {
        "id": envelope.id,
        "type": type_of(type(envelope.message)),
        "subject": envelope.subject,
        "attempts": attempts,
        "reason": keepable(reason),
        "envelope": stored(envelope),
    }


def keepable(reason: str) -> str:
    """As much of a reason as is kept; without NUL, which neither tables nor bodies may have."""
    return reason[:REASON_CHARACTERS].replace("\0", "\\0")


def _kept(said: Receipt) -> dict[str, Any]:
    return packed(Receipts(receipts=(said,)))


def _row(wanted: Stored) -> dict[str, Any]:
    return {
        "id": wanted.id,
        "kind": type(wanted.intent).__name__,
        "body": wanted.intent,
        "envelope": wanted.envelope and stored(wanted.envelope),
        "attempts": 0,
        "state": "pending",
    }
