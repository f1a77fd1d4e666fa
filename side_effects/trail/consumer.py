"""START HERE: how the trail logs events, takes receipts, sends again and back-fills.

Every event has one delivery row for each expected subscriber, from the moment it is logged; a
receipt moves the row on, and what no receipt moved in time is sent again to that subscriber alone.
A subscriber that joins late finds the older events of its types in its own queue.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Uuid, any_, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert

from contracts.delivery.envelope import Envelope, read_envelope, repeated, stored
from contracts.delivery.service import Retries, Service
from contracts.delivery.tables import subscriptions
from contracts.messages.catalogue import type_of
from contracts.messages.trail import Receipt
from contracts.runtime.bulk import among, insert_rows
from contracts.runtime.session import BatchSession
from contracts.runtime.settings import settings
from side_effects.trail.filling import COLUMNS, expecting, fill
from side_effects.trail.receipts import PATIENCE, move
from side_effects.trail.tables import DEAD, HANDLED, IGNORED, PENDING, RETRYING, Delivery, EventRow

__all__ = ["DEAD", "HANDLED", "IGNORED", "PENDING", "RETRYING", "trail"]

trail = Service("trail", Retries(attempts=8))
PATIENCE_SECONDS = 15.0
LONGEST_SECONDS = 900.0
AT_ONCE = 200


@trail.everything
def log(envelopes: Sequence[Envelope], session: BatchSession) -> None:
    """Log these events, and expect a receipt from each of their subscribers."""
    rows = [_row(envelope) for envelope in envelopes]
    insert_rows(session, EventRow.__table__, rows, skip_known=True)
    session.execute(_EXPECT, {"ids": [row["id"] for row in rows], "patience": _patience()})


@trail.receipts
def take(receipts: Sequence[Receipt], session: BatchSession) -> None:
    """Move deliveries on; what is handled or ignored stays so."""
    move(session, receipts, _patience())


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
    """Expect receipts of older events from subscribers that joined since, or asked for them."""
    return fill(session)


_LOGGED = select(EventRow.id, EventRow.envelope).where(among(EventRow.id))
_NEW = EventRow.id == any_(bindparam("ids", type_=ARRAY(Uuid(as_uuid=False))))
_EXPECT = (
    upsert(Delivery.__table__)  # type: ignore[arg-type]
    .from_select(
        COLUMNS,
        expecting(subscriptions, PATIENCE)
        .where(_NEW)
        .order_by(EventRow.id, subscriptions.c.subscriber),
        include_defaults=False,
    )
    .on_conflict_do_nothing()
)


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


def _patience() -> timedelta:
    return settings().wait(PATIENCE_SECONDS, least=3.0)


def _longest_seconds() -> float:
    return settings().wait(LONGEST_SECONDS, least=30.0).total_seconds()
