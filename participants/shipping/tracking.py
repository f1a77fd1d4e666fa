"""Where the parcels are: carriers are asked for many at once, and what they tell is published once.

A parcel is looked at again after half its age, so that a young one is followed closely and an old
one costs little; no more once it has arrived or is lost.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

import aiohttp
from sqlalchemy import Interval, func, select, tuple_, update

from contracts.delivery.outbox import put
from contracts.delivery.outside import Outside
from contracts.delivery.service import Done, Intent, Outcome, Rows, Unsure
from contracts.delivery.turn import want
from contracts.messages.shipping import OrderDelivered, OrderShipped, ParcelLost
from contracts.messages.values import OrderId
from contracts.runtime.session import BatchSession
from participants.shipping import calls
from participants.shipping.carrier import said
from participants.shipping.tables import Shipment

EVERY = timedelta(seconds=5)
SOONEST, LATEST = timedelta(seconds=1), timedelta(hours=1)
AT_ONCE, A_CALL = 200, 100
SHIPPED, DELIVERED, LOST = "shipped", "delivered", "lost"
EVENTS = {SHIPPED: OrderShipped, DELIVERED: OrderDelivered, LOST: ParcelLost}


@dataclass(frozen=True, kw_only=True)
class Tracked:
    """A parcel and the number under which its carrier knows it."""

    order_id: OrderId
    parcel: int
    tracking: str


@dataclass(frozen=True, kw_only=True)
class TrackParcels(Intent):
    """Ask one carrier where these parcels are."""

    deadline_seconds: ClassVar[float] = 10.0
    at_once: ClassVar[int] = 4
    path: str
    parcels: tuple[Tracked, ...]


def track(session: BatchSession) -> int:
    """Have the carriers asked for the parcels that are due, for many in a call; how many."""
    due: dict[str, list[Any]] = {}
    for row in session.execute(_DUE):
        due.setdefault(row.carrier, []).append(row)
    for name, of in due.items():
        path = calls.path_of(name, session)
        for at in range(0, len(of), A_CALL):
            parcels = tuple(map(_tracked, of[at : at + A_CALL]))
            want(session, TrackParcels(path=path, parcels=parcels))
    return sum(map(len, due.values()))


async def ask(intent: TrackParcels, outside: Outside) -> Outcome:
    """What the carrier says of each parcel; who does not answer is asked with the next look."""
    try:
        return await said(_told(intent, outside))
    except aiohttp.ClientConnectorError:
        return Unsure(reason="the carrier cannot be reached")


def shipments(intents: Sequence[TrackParcels]) -> Iterable[Rows]:
    """The shipments of these parcels."""
    asked = [each for intent in intents for each in intent.parcels]
    return ((Shipment, {(each.order_id, each.parcel) for each in asked}),)


def record(intent: TrackParcels, outcome: Outcome, session: BatchSession) -> None:
    """Publish what is new."""
    if isinstance(outcome, Done):
        for each in intent.parcels:
            status = outcome.data.get(each.tracking)
            if status in EVENTS:
                _move(session.get(Shipment, (each.order_id, each.parcel)), status, session)


def _move(shipment: Shipment, status: str, session: BatchSession) -> None:
    """Parcels only move on. One that arrived between two looks was on its way before."""
    if shipment.progress in (status, DELIVERED, LOST):
        return
    if status == DELIVERED and not shipment.progress:
        _publish(shipment, SHIPPED, session)
    _publish(shipment, status, session)
    shipment.progress = status
    if status in (DELIVERED, LOST):
        shipment.look_at = None


def _publish(shipment: Shipment, status: str, session: BatchSession) -> None:
    event = EVENTS[status](
        order_id=OrderId(shipment.order_id),
        carrier=shipment.carrier,
        tracking=shipment.tracking,
        parcel=shipment.parcel,
    )
    put(session, event, subject=shipment.order_id)


async def _told(intent: TrackParcels, outside: Outside) -> Outcome:
    url = f"{outside.settings.carrier_url}/{intent.path}/tracking"
    numbers = ",".join(each.tracking for each in intent.parcels)
    async with outside.http.get(url, params={"numbers": numbers}) as answer:
        if answer.status != 200:
            return Unsure(reason=f"the carrier answered {answer.status}")
        return Done(data={each["tracking"]: each["status"] for each in await answer.json()})


def _tracked(row: Any) -> Tracked:
    return Tracked(order_id=OrderId(row.order_id), parcel=row.parcel, tracking=row.tracking)


def _due() -> Any:
    table = Shipment.__table__
    due = (
        select(table.c.order_id, table.c.parcel)
        .where(table.c.look_at <= func.now())
        .order_by(table.c.look_at)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    half = (func.now() - table.c.at).op("/", precedence=8, return_type=Interval())(2)
    return (
        update(Shipment.__table__)  # type: ignore[arg-type]
        .where(tuple_(table.c.order_id, table.c.parcel).in_(due))
        .values(look_at=func.now() + func.least(func.greatest(half, SOONEST), LATEST))
        .returning(table.c.order_id, table.c.parcel, table.c.carrier, table.c.tracking)
    )


_DUE = _due()
