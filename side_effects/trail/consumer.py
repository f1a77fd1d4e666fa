"""START HERE: how the trail logs events, takes receipts, sends again and back-fills.

Every event has one delivery row for each expected subscriber, from the moment it is logged; a
receipt moves the row on, and what no receipt moved in time is sent again to that subscriber alone.
A subscriber that joins late finds the older events of its types in its own queue.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, case, exists, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from contracts.delivery.envelope import Envelope, read_envelope, stored
from contracts.delivery.service import Service
from contracts.delivery.tables import subscriptions
from contracts.messages.catalogue import type_of
from contracts.messages.trail import Receipt
from contracts.runtime.settings import settings
from side_effects.trail.tables import Delivery, EventRow

trail = Service("trail")
PENDING, HANDLED, IGNORED, RETRYING, DEAD = "pending", "handled", "ignored", "retrying", "dead"
FINAL = (HANDLED, IGNORED)
PATIENCE_SECONDS = 15.0
LONGEST_SECONDS = 900.0
AT_ONCE = 200
deliveries = Delivery.__table__


@trail.everything
def log(envelopes: Sequence[Envelope], session: Session) -> None:
    """Log these events, and expect a receipt from each of their subscribers."""
    rows = [_row(envelope) for envelope in envelopes]
    session.execute(upsert(EventRow).on_conflict_do_nothing(), rows)
    expected = _expected(session, envelopes)
    if expected:
        session.execute(_EXPECT.values(ask_at=func.now() + _patience()), expected)


@trail.receipts
def take(receipts: Sequence[Receipt], session: Session) -> None:
    """Move deliveries on; what is handled or ignored stays so."""
    latest = {(receipt.event_id, receipt.subscriber): receipt for receipt in receipts}
    rows = [_receipt_row(latest[key]) for key in sorted(latest)]
    given = upsert(deliveries)  # type: ignore[arg-type]  # a table
    moved = given.on_conflict_do_update(
        index_elements=["event_id", "subscriber"],
        set_={
            **{n: given.excluded[n] for n in ("state", "attempts", "reason")},
            "changed_at": func.now(),
            "ask_at": case(
                (given.excluded.state == RETRYING, func.now() + _patience()), else_=None
            ),
        },
        where=and_(*(deliveries.c.state != state for state in FINAL)),
    )
    session.execute(moved, rows)


@trail.chore(every=timedelta(seconds=2))
def ask_again(session: Session) -> int:
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
    found = session.execute(select(EventRow.id, EventRow.envelope).where(EventRow.id.in_(ids)))
    events = {row.id: read_envelope(row.envelope) for row in found}
    send: list[tuple[str, Envelope]] = session.info["send"]
    send += [(r.subscriber, events[r.event_id]) for r in asked if r.event_id in events]
    return len(asked)


@trail.chore(every=timedelta(seconds=10))
def back_fill(session: Session) -> int:
    """Expect receipts of older events from subscribers that joined since."""
    known = exists().where(
        Delivery.event_id == EventRow.id, Delivery.subscriber == subscriptions.c.subscriber
    )
    missed = (
        select(
            EventRow.id,
            subscriptions.c.subscriber,
            literal(PENDING),
            literal(0),
            literal(""),
            literal(0),
            func.now(),
        )
        .join(subscriptions, subscriptions.c.event == EventRow.type)
        .where(subscriptions.c.subscriber != trail.name, ~known)
        .order_by(EventRow.id)
        .limit(AT_ONCE)
    )
    columns = ["event_id", "subscriber", "state", "attempts", "reason", "asked", "ask_at"]
    filled = insert(Delivery).from_select(columns, missed, include_defaults=False)
    return len(session.execute(filled.returning(Delivery.subscriber)).all())


_EXPECT = upsert(Delivery).on_conflict_do_nothing()


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


def _expected(session: Session, envelopes: Sequence[Envelope]) -> list[dict[str, Any]]:
    kinds = {type_of(type(envelope.message)) for envelope in envelopes}
    rows = session.execute(select(subscriptions).where(subscriptions.c.event.in_(kinds))).all()
    return [
        {
            "event_id": envelope.id,
            "subscriber": row.subscriber,
            "state": PENDING,
            "attempts": 0,
            "reason": "",
            "asked": 0,
        }
        for envelope in sorted(envelopes, key=lambda envelope: envelope.id)
        for row in rows
        if row.event == type_of(type(envelope.message)) and row.subscriber != trail.name
    ]


def _receipt_row(receipt: Receipt) -> dict[str, Any]:
    return {
        "event_id": receipt.event_id,
        "subscriber": receipt.subscriber,
        "state": receipt.state,
        "attempts": receipt.attempts,
        "reason": receipt.reason,
        "asked": 0,
        "ask_at": None,
    }


def _patience() -> timedelta:
    return settings().wait(PATIENCE_SECONDS, least=3.0)


def _longest_seconds() -> float:
    return settings().wait(LONGEST_SECONDS, least=30.0).total_seconds()
