"""START HERE: how the trail logs events, takes receipts, sends again and back-fills.

Every event has one delivery row for each expected subscriber, from the moment it is logged; a
receipt moves the row on, and what no receipt moved in time is sent again to that subscriber alone.
A subscriber that joins late finds the older events of its types in its own queue.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    Interval,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert

from contracts.delivery.envelope import Envelope, read_envelope, repeated, stored
from contracts.delivery.service import Retries, Service
from contracts.delivery.tables import subscriptions
from contracts.messages.catalogue import type_of
from contracts.messages.trail import Receipt
from contracts.runtime.bulk import among, given, insert_rows, packed
from contracts.runtime.session import BatchSession
from contracts.runtime.settings import settings
from side_effects.trail.tables import Delivery, EventRow, Joined

trail = Service("trail", Retries(attempts=8))
PENDING, HANDLED, IGNORED, RETRYING, DEAD = "pending", "handled", "ignored", "retrying", "dead"
FINAL = (HANDLED, IGNORED)
PATIENCE_SECONDS = 15.0
LONGEST_SECONDS = 900.0
AT_ONCE = 200
joined: Any = Joined.__table__
deliveries: Any = Delivery.__table__


@trail.everything
def log(envelopes: Sequence[Envelope], session: BatchSession) -> None:
    """Log these events, and expect a receipt from each of their subscribers."""
    rows = [_row(envelope) for envelope in envelopes]
    insert_rows(session, EventRow.__table__, rows, skip_known=True)
    session.execute(_EXPECT, {"ids": [row["id"] for row in rows], "patience": _patience()})


@trail.receipts
def take(receipts: Sequence[Receipt], session: BatchSession) -> None:
    """Move deliveries on; what is handled or ignored stays so."""
    latest = {(receipt.event_id, receipt.subscriber): receipt for receipt in receipts}
    rows = [_receipt_row(latest[key]) for key in sorted(latest)]
    session.execute(_MOVED, {"rows": packed(rows), "patience": _patience()})


@trail.chore(every=timedelta(seconds=2))
def ask_again(session: BatchSession) -> int:
    """Send again, to the one subscriber, what it has not reported in time."""
    overdue = (
        select(Delivery.event_id, Delivery.subscriber)
        .where(Delivery.ask_at <= func.now())
        .order_by(Delivery.ask_at)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
        .cte()
    )
    seconds = _patience().total_seconds() * func.power(2, Delivery.asked + 1)
    wait = func.make_interval(0, 0, 0, 0, 0, 0, func.least(seconds, _longest_seconds()))
    asked = session.execute(
        update(Delivery)
        .where(Delivery.event_id == overdue.c.event_id, Delivery.subscriber == overdue.c.subscriber)
        .values(asked=Delivery.asked + 1, ask_at=func.now() + wait)
        .returning(Delivery.event_id, Delivery.subscriber)
    ).all()
    ids = {row.event_id for row in asked}
    found = session.execute(_LOGGED, {"among": list(ids)})
    events = {row.id: repeated(read_envelope(row.envelope)) for row in found}
    send: list[tuple[str, Envelope]] = session.info["send"]
    send += [(r.subscriber, events[r.event_id]) for r in asked if r.event_id in events]
    return len(asked)


@trail.chore(every=timedelta(seconds=10))
def back_fill(session: BatchSession) -> int:
    """Expect receipts of older events from subscribers that joined since.

    A pair of event and subscriber is looked at until nothing is missing; not less than a minute,
    for an event may be logged just then by who does not know of the subscriber yet.
    """
    session.execute(_JOIN)
    open_pairs = select(Joined).where(~Joined.filled).subquery()
    known = exists().where(
        Delivery.event_id == EventRow.id, Delivery.subscriber == open_pairs.c.subscriber
    )
    missed = (
        _expecting(open_pairs, func.now())
        .where(~known)
        .order_by(EventRow.id, open_pairs.c.subscriber)
        .limit(AT_ONCE)
    )
    filled = insert(Delivery).from_select(COLUMNS, missed, include_defaults=False)
    count = len(session.execute(filled.returning(Delivery.subscriber)).all())
    if not count:
        settled = Joined.at < func.now() - timedelta(minutes=1)
        session.execute(update(Joined).where(~Joined.filled, settled).values(filled=True))
    return count


def _expecting(pairs: Any, ask_at: Any) -> Any:
    """A pending delivery of each event at each of its subscribers among `pairs`."""
    who = pairs.c.subscriber
    values = (EventRow.id, who, literal(PENDING), literal(0), literal(""), literal(0), ask_at)
    chosen = select(*values).join(pairs, pairs.c.event == EventRow.type)
    return chosen.where(who != trail.name)


COLUMNS = ("event_id", "subscriber", "state", "attempts", "reason", "asked", "ask_at")
_LOGGED = select(EventRow.id, EventRow.envelope).where(among(EventRow.id))
_PATIENCE = func.now() + bindparam("patience", type_=Interval)
_NEW = EventRow.id == any_(bindparam("ids", type_=ARRAY(Uuid(as_uuid=False))))
_EXPECT = (
    upsert(deliveries)
    .from_select(
        COLUMNS,
        _expecting(subscriptions, _PATIENCE)
        .where(_NEW)
        .order_by(EventRow.id, subscriptions.c.subscriber),
        include_defaults=False,
    )
    .on_conflict_do_nothing()
)
_JOIN = (
    upsert(joined)
    .from_select(
        ("event", "subscriber"),
        select(subscriptions.c.event, subscriptions.c.subscriber),
        include_defaults=False,
    )
    .on_conflict_do_nothing()
)


def _moved() -> Any:
    names = COLUMNS[:6]
    rows = given(deliveries, names)
    told = upsert(deliveries).from_select(
        names, select(*(rows.c[name] for name in names)), include_defaults=False
    )
    retrying = told.excluded.state == RETRYING
    return told.on_conflict_do_update(
        index_elements=["event_id", "subscriber"],
        set_={
            **{name: told.excluded[name] for name in ("state", "attempts", "reason")},
            "changed_at": func.now(),
            "ask_at": case((retrying, _PATIENCE), else_=None),
        },
        where=and_(*(deliveries.c.state != state for state in FINAL)),
    )


_MOVED = _moved()


def _row(envelope: Envelope) -> dict[str, Any]:
    return {
        "id": envelope.id,
        "type": type_of(type(envelope.message)),
        "at": envelope.at,
        "source": envelope.source,
        "subject": envelope.subject,
        "saga": envelope.saga,
        "cause": envelope.cause,
        "envelope": stored(envelope),
    }


def _receipt_row(receipt: Receipt) -> dict[str, Any]:
    return {
        "event_id": receipt.event_id,
        "subscriber": receipt.subscriber,
        "state": receipt.state,
        "attempts": receipt.attempts,
        "reason": receipt.reason,
        "asked": 0,
    }


def _patience() -> timedelta:
    return settings().wait(PATIENCE_SECONDS, least=3.0)


def _longest_seconds() -> float:
    return settings().wait(LONGEST_SECONDS, least=30.0).total_seconds()
