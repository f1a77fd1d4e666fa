"""All that both halves know about one order: its sagas with their journals, and its events."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import or_, select

from contracts.runtime.bulk import among
from contracts.runtime.database import Database
from contracts.runtime.session import BatchSession
from orchestrator.shell import store
from orchestrator.shell.audit import AUDIT
from orchestrator.shell.store import JOURNAL, REVIEWS, SAGAS
from side_effects.trail.tables import Delivery, EventRow, ReceiptRow

EVENTS, DELIVERIES, RECEIPTS = EventRow.__table__, Delivery.__table__, ReceiptRow.__table__
# An order has some dozens of each; whoever has more is not read to the end.
MOST = 5000


class Sent(NamedTuple):
    """A command as it was first sent: by which saga, when, and as which entry of the journal."""

    saga: Any
    at: datetime
    version: int
    command: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Order:
    """One order at the time `at`. Journals are by saga, deliveries and receipts by event, all in
    order of time; the first saga is the one that the order began with."""

    id: str
    at: datetime
    sagas: list[Any]
    journals: Mapping[str, list[Any]]
    reviews: list[Any]
    audit: list[Any]
    events: list[Any]
    deliveries: Mapping[str, list[Any]]
    receipts: Mapping[str, list[Any]]

    @property
    def started_at(self) -> datetime:
        """When it all began."""
        began: datetime = self.sagas[0].started_at
        return began

    def sent(self) -> Iterator[Sent]:
        """Every command at each sending, saga by saga."""
        for saga in self.sagas:
            for entry in self.journals[saga.id]:
                for command in entry.commands:
                    yield Sent(saga, entry.at, entry.version, command)

    def commands(self) -> dict[str, Sent]:
        """Every command by its id, as it was sent first."""
        found: dict[str, Sent] = {}
        for sent in self.sent():
            found.setdefault(sent.command["id"], sent)
        return found

    def answers(self) -> dict[str, list[Any]]:
        """The journal's entries that hold an answer, by the id of the command it answers."""
        found = defaultdict(list)
        for saga in self.sagas:
            for entry in self.journals[saga.id]:
                if entry.input["kind"] == "Answer":
                    found[entry.input["command_id"]].append(entry)
        return found


def order(orchestrator: Database, trail: Database, identifier: str) -> Order | None:
    """The order of this id, or whose saga has it; None when nobody knows it."""
    with orchestrator.transaction() as session:
        sagas = session.execute(_sagas(identifier)).all()
        if not sagas:
            return None
        ids = {"among": [saga.id for saga in sagas]}
        at = store.now(session)
        journals = _grouped(session, _JOURNAL, ids, "saga_id")
        reviews = session.execute(_REVIEWS, ids).all()
        audit = session.execute(_AUDIT, ids).all()
    return Order(
        id=sagas[0].subject,
        at=at,
        sagas=list(sagas),
        journals=journals,
        reviews=list(reviews),
        audit=list(audit),
        **_heard(trail, sagas[0].subject),
    )


def name_of(kind: str) -> str:
    """The name in a type on the wire: `OrderConfirmed` of `concerto.OrderConfirmed.v1`."""
    return kind.split(".")[1]


def _sagas(identifier: str) -> Any:
    """All sagas of an order, the one that it began with first."""
    of = select(SAGAS.c.subject).where(SAGAS.c.id == identifier).scalar_subquery()
    mine = or_(SAGAS.c.subject == identifier, SAGAS.c.subject == of)
    return select(SAGAS).where(mine).order_by(SAGAS.c.started_at, SAGAS.c.id).limit(MOST)


def events_about(session: BatchSession, subject: str) -> list[Any]:
    """The events about an order or a customer, oldest first."""
    about = select(EVENTS).where(EVENTS.c.subject == subject)
    return list(session.execute(about.order_by(EVENTS.c.at, EVENTS.c.id).limit(MOST)))


def _heard(trail: Database, subject: str) -> dict[str, Any]:
    """The events about an order, and what became of them."""
    with trail.transaction() as session:
        events = events_about(session, subject)
        ids = {"among": [event.id for event in events]}
        return {
            "events": events,
            "deliveries": _grouped(session, _DELIVERIES, ids, "event_id"),
            "receipts": _grouped(session, _RECEIPTS, ids, "event_id"),
        }


def _grouped(
    session: BatchSession, query: Any, values: Mapping[str, Any], by: str
) -> Mapping[str, list[Any]]:
    found: Mapping[str, list[Any]] = defaultdict(list)
    for row in session.execute(query, values):
        found[getattr(row, by)].append(row)
    return found


_JOURNAL = (
    select(JOURNAL)
    .where(among(JOURNAL.c.saga_id))
    .order_by(JOURNAL.c.saga_id, JOURNAL.c.version)
    .limit(MOST)
)
_REVIEWS = select(REVIEWS).where(among(REVIEWS.c.saga_id)).order_by(REVIEWS.c.opened_at).limit(MOST)
_AUDIT = select(AUDIT).where(among(AUDIT.c.saga_id)).order_by(AUDIT.c.number).limit(MOST)
_DELIVERIES = (
    select(DELIVERIES)
    .where(among(DELIVERIES.c.event_id))
    .order_by(DELIVERIES.c.event_id, DELIVERIES.c.subscriber)
    .limit(MOST)
)
_RECEIPTS = (
    select(RECEIPTS)
    .where(among(RECEIPTS.c.event_id))
    .order_by(RECEIPTS.c.event_id, RECEIPTS.c.position)
    .limit(MOST)
)
