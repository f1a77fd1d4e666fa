"""Events: put into the outbox within the transaction, relayed to every subscriber after it.

A row stands until the trail has the event, so that nothing depends on the broker's memory. The
relay publishes to the event's stream where the broker has fanout exchanges (RabbitMQ); elsewhere it
emulates the fanout by addressing each subscriber's own queue. Who subscribed is told by the table
`subscriptions`, which `topology apply` writes.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from time import monotonic
from typing import Any, Protocol

from sqlalchemy import Interval, bindparam, delete, func, select, update

from contracts.delivery.envelope import Envelope, read_envelope, repeated, stored
from contracts.delivery.service import Service
from contracts.delivery.tables import outbox, subscriptions
from contracts.messages.base import Command, Event, Message, Result
from contracts.messages.catalogue import type_of
from contracts.messages.trail import Receipt, Receipts
from contracts.messages.values import MessageId, derived, stamped
from contracts.runtime.bulk import among, insert_rows
from contracts.runtime.database import Database
from contracts.runtime.session import BatchSession
from contracts.runtime.settings import Settings

Done = Callable[[], None]
SUBSCRIPTIONS_SECONDS = 2.0
TRAIL = "trail"
MOST_WAITING = 200
RECEIPTS_MOST = 50  # in one message: far below what a body may have, however long the reasons


class Send(Protocol):
    """How messages leave this process, by the service (or stream) they go to."""

    def __call__(
        self, outgoing: Mapping[str, Sequence[Envelope]], done: Done | None = None, /
    ) -> None:
        """Send them; `done` is called when they have certainly left. Raises when they cannot."""


def put(
    session: BatchSession, event: Event | Result, *, subject: str, source: str = ""
) -> MessageId:
    """Publish `event` with the transaction of `session`; the id of the event.

    In a handler the event is caused by the message being handled; what reacts to an event publishes
    what it declares (`then=`) and nothing else. Elsewhere (an HTTP edge) name the `source`; the
    service's own worker then relays the event.
    """
    cause: Envelope | None = session.info.get("envelope")
    if cause and not isinstance(cause.message, Command):
        _let_react(session.info["turn"].service, cause.message, event)
    name = type_of(type(event))
    now = datetime.now(UTC)
    parts = (name, subject, repr(event))  # one moment may put two of a kind: of two parcels
    envelope = Envelope(
        id=MessageId(derived(cause.id, *parts) if cause else stamped(now, *parts)),
        message=event,
        source=source or session.info["service"],
        at=now,
        subject=subject,
        saga=cause.saga if cause else None,
        cause=cause.id if cause else None,
        follows=followed(event),
        trace=cause.trace if cause else None,
    )
    if "events" in session.info:
        session.info["events"].append(envelope)
    else:
        store(session, [envelope], lease=timedelta(0))
    return envelope.id


class Undeclared(TypeError):
    """What a reaction publishes is declared, so that chains of reactions are seen."""

    def __init__(self, service: str, cause: Message, event: Message) -> None:
        super().__init__(
            f"{service} reacts to {type(cause).__name__} with {type(event).__name__}: "
            "declare it with then="
        )


def _let_react(service: Service, cause: Message, event: Message) -> None:
    """Refuse a reaction that nobody declared."""
    handling = service.handled.get(type(cause))
    if handling and handling.then is not type(event):
        raise Undeclared(service.name, cause, event)


def followed(message: Message) -> MessageId | None:
    """The id of the event that whoever hears both applies first."""
    before = message.follows()
    return before.id if before else None


def store(session: BatchSession, events: Sequence[Envelope], lease: timedelta) -> None:
    """Write events into the outbox; nobody else relays them before `lease` has passed."""
    rows = [{"id": event.id, "envelope": stored(event)} for event in events]
    insert_rows(session, outbox, rows, due_in=lease)


@dataclass
class Waiting:
    """What leaves together: messages and receipts by where they go, and the ids of the events among
    them."""

    outgoing: dict[str, list[Envelope]] = field(default_factory=dict)
    receipts: dict[str, list[Receipt]] = field(default_factory=dict)
    ids: list[MessageId] = field(default_factory=list)

    def add(self, to: str, envelopes: Sequence[Envelope]) -> None:
        """Let these go as well."""
        self.outgoing.setdefault(to, []).extend(envelopes)

    def many(self) -> bool:
        """Whether some place gets a full batch."""
        waiting: list[Sequence[object]] = [*self.outgoing.values(), *self.receipts.values()]
        return max(map(len, waiting), default=0) >= MOST_WAITING

    def pack(self, source: str) -> None:
        """Make the receipts messages, said by `source`."""
        for to, receipts in self.receipts.items():
            self.add(to, _packed(source, receipts))


class Relay:
    """Sends events to their subscribers and remembers what was sent until it is written down."""

    def __init__(self, db: Database, send: Send, settings: Settings) -> None:
        self._db, self._send = db, send
        self._fans_out = settings.broker_fans_out
        self.lease = timedelta(seconds=2 * settings.publish_seconds)
        self._patience = settings.wait(settings.trail_seconds, least=5.0)
        self._subscribers: dict[str, tuple[str, ...]] = {}
        self._known_until = 0.0
        self._sent: list[MessageId] = []
        self._events, self._reports = Waiting(), Waiting()
        self._pause, self._sent_at = settings.due_seconds, 0.0
        self._gathering = threading.Lock()

    def publish(self, events: Sequence[Envelope]) -> None:
        """Send each event to every subscriber's queue; raises what the broker raises.

        While many come, those of one round of the due loop travel together; what comes alone goes
        at once.
        """
        destinations = [self._destinations(type_of(type(event.message))) for event in events]
        with self._gathering:
            for event, all_to in zip(events, destinations, strict=True):
                self._events.ids.append(event.id)
                for to in all_to:
                    (self._reports if to == TRAIL else self._events).add(to, [event])
            alone = monotonic() - self._sent_at > self._pause
        if alone or self._events.many():
            self.send_events()
        if self._reports.many():
            self.send_reports()

    def report(self, reports: Mapping[str, Sequence[Receipt]]) -> None:
        """Send these with the next reports, or once there are many: nobody waits for a report."""
        with self._gathering:
            for to, receipts in reports.items():
                self._reports.receipts.setdefault(to, []).extend(receipts)
        if self._reports.many():
            self.send_reports()

    def send_events(self) -> None:
        """Send the events that wait for others."""
        with self._gathering:
            waiting, self._events = self._events, Waiting()
            self._sent_at = monotonic() if waiting.ids else self._sent_at
        if waiting.outgoing:
            self._send(waiting.outgoing, lambda: self._sent.extend(waiting.ids))
        else:
            self._sent.extend(waiting.ids)

    def send_reports(self) -> None:
        """Send what waits to be reported."""
        with self._gathering:
            waiting, self._reports = self._reports, Waiting()
        waiting.pack(self._db.service)
        if waiting.outgoing:
            self._send(waiting.outgoing)

    @property
    def unmarked(self) -> bool:
        """Whether `sweep` has to write down what was sent."""
        return bool(self._sent)

    def _mark(self, session: BatchSession) -> None:
        """Write down what was sent, with the transaction of `session`."""
        marks, self._sent = self._sent, []
        if marks:
            session.execute(_SENT, {"among": marks, "patience": self._patience})

    def sweep(self, limit: int) -> int:
        """Relay what fell due, oldest first; how many.

        What was committed and not sent goes to every subscriber. What was sent and is not known to
        the trail goes to the trail alone, at doubling intervals: it sees to the others.
        """
        with self._db.transaction() as session:
            self._mark(session)
            rows = session.execute(_claim(limit, self.lease)).all()
        rows = sorted(rows, key=lambda row: row.position)
        self.publish([_again(row) for row in rows if not row.sent_at])
        unknown = [_again(row) for row in rows if row.sent_at]
        if unknown:
            self._send({TRAIL: unknown})
        return len(rows)

    def _destinations(self, event: str) -> tuple[str, ...]:
        if self._fans_out:
            return (event,)
        if monotonic() > self._known_until:
            self._subscribers = subscribers(self._db)
            self._known_until = monotonic() + SUBSCRIPTIONS_SECONDS
        if event not in self._subscribers:
            raise NoTopology(event)
        return self._subscribers[event]


def _packed(source: str, receipts: Sequence[Receipt]) -> list[Envelope]:
    """The receipts as few messages; nobody remembers these by their ids."""
    at = datetime.now(UTC)
    return [
        Envelope(
            id=MessageId(stamped(at, source, token_hex(8))),
            message=Receipts(receipts=tuple(receipts[first : first + RECEIPTS_MOST])),
            source=source,
            at=at,
            subject=source,
        )
        for first in range(0, len(receipts), RECEIPTS_MOST)
    ]


def subscribers(db: Database) -> dict[str, tuple[str, ...]]:
    """The subscribers of each event type, as `topology apply` wrote them."""
    with db.transaction() as session:
        rows = session.execute(select(subscriptions).order_by(subscriptions.c.subscriber)).all()
    return {kind: tuple(r.subscriber for r in rows if r.event == kind) for kind, _ in rows}


def forget(session: BatchSession, events: Sequence[MessageId]) -> None:
    """The trail has these events: their rows may go."""
    session.execute(_KNOWN, {"among": list(events)})


_KNOWN = delete(outbox).where(among(outbox.c.id))
_SENT = (
    update(outbox)
    .where(among(outbox.c.id))
    .values(sent_at=func.now(), due_at=func.now() + bindparam("patience", type_=Interval))
)


def _again(row: Any) -> Envelope:
    return repeated(read_envelope(row.envelope))


def _claim(limit: int, lease: timedelta) -> Any:
    due = (
        select(outbox.c.id)
        .where(outbox.c.due_at <= func.now())
        .order_by(outbox.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (
        update(outbox)
        .where(outbox.c.id.in_(due))
        .values(due_at=func.now() + func.greatest(lease, func.now() - outbox.c.at))
        .returning(outbox.c.position, outbox.c.envelope, outbox.c.sent_at)
    )


class NoTopology(RuntimeError):
    """Nobody is known to subscribe, not even the trail: the topology was never applied."""

    def __init__(self, event: str) -> None:
        super().__init__(f"nobody subscribes to {event}: run concerto topology apply")
