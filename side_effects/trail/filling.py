"""Back-fills: who has a delivery of which event, and the events that a subscriber never got.

Whoever joins late is to have the older events of its types, and whoever asks for it what it missed
since. Either way its pairs of event and subscriber are opened, and filled piece by piece.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    DateTime,
    Text,
    any_,
    bindparam,
    case,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert

from contracts.delivery.outbox import TRAIL
from contracts.delivery.tables import subscriptions
from contracts.runtime.session import BatchSession
from side_effects.trail.tables import PENDING, Delivery, EventRow, Joined

FILLED_AT_ONCE = 2000
COLUMNS = ("event_id", "subscriber", "state", "attempts", "reason", "asked", "ask_at")
joined: Any = Joined.__table__
deliveries: Any = Delivery.__table__


def fill(session: BatchSession) -> int:
    """Expect receipts of older events where pairs of event and subscriber are open; of how many.

    A pair is looked at until nothing is missing; not less than a minute, for an event may be logged
    just then by who does not know of the subscriber yet.
    """
    session.execute(_JOIN)
    pairs = select(Joined).where(~Joined.filled).subquery()
    missed = (
        expecting(pairs, func.now())
        .where(_without(pairs), or_(pairs.c.since.is_(None), EventRow.at >= pairs.c.since))
        .order_by(EventRow.id, pairs.c.subscriber)
        .limit(FILLED_AT_ONCE)
    )
    filled = upsert(deliveries).from_select(COLUMNS, missed, include_defaults=False)
    new = filled.on_conflict_do_nothing().returning(deliveries.c.subscriber)
    count = len(session.execute(new).all())
    if not count:
        settled = Joined.at < func.now() - timedelta(minutes=1)
        session.execute(update(Joined).where(~Joined.filled, settled).values(filled=True))
    return count


def heard_by(session: BatchSession, subscriber: str) -> list[str]:
    """The types of event that it subscribed to; none of the trail's own, which logs them all."""
    return list(session.scalars(_HEARD, {"subscriber": subscriber}))


def missed(
    session: BatchSession, subscriber: str, kinds: Collection[str], since: datetime | None
) -> int:
    """How many events of these types, since then, it never got."""
    told = {"subscriber": subscriber, "kinds": list(kinds), "since": since}
    return session.scalar(_MISSED, told) or 0


def open_again(
    session: BatchSession, subscriber: str, kinds: Collection[str], since: datetime | None
) -> None:
    """Have it get what it missed of these types, since then; what is open already stays so."""
    told = {"subscriber": subscriber, "kinds": list(kinds), "since": since}
    session.execute(_OPEN, told)


def expecting(pairs: Any, ask_at: Any) -> Any:
    """A pending delivery of each event at each of its subscribers among `pairs`."""
    who = pairs.c.subscriber
    values = (EventRow.id, who, literal(PENDING), literal(0), literal(""), literal(0), ask_at)
    chosen = select(*values).join(pairs, pairs.c.event == EventRow.type)
    return chosen.where(who != TRAIL)


def _without(pairs: Any) -> Any:
    """Whether there is no delivery of the event at the subscriber."""
    at = Delivery.subscriber == pairs.c.subscriber
    return ~exists().where(Delivery.event_id == EventRow.id, at)


_SINCE: Any = bindparam("since", type_=DateTime(timezone=True))
_MINE = (
    subscriptions.c.subscriber == bindparam("subscriber"),
    subscriptions.c.event == any_(bindparam("kinds", type_=ARRAY(Text))),
)
_HEARD = select(subscriptions.c.event).where(
    subscriptions.c.subscriber == bindparam("subscriber"), subscriptions.c.subscriber != TRAIL
)
_MISSED = (
    select(func.count())
    .select_from(EventRow)
    .join(subscriptions, subscriptions.c.event == EventRow.type)
    .where(*_MINE, _without(subscriptions), or_(_SINCE.is_(None), EventRow.at >= _SINCE))
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
_OPEN = (
    upsert(joined)
    .from_select(
        ("event", "subscriber"),
        select(subscriptions.c.event, subscriptions.c.subscriber).where(*_MINE),
        include_defaults=False,
    )
    .on_conflict_do_update(
        index_elements=["event", "subscriber"],
        set_={
            "filled": False,
            "at": func.now(),
            "since": case(
                (joined.c.filled, _SINCE),
                (or_(joined.c.since.is_(None), _SINCE.is_(None)), null()),
                else_=func.least(joined.c.since, _SINCE),
            ),
        },
    )
)
