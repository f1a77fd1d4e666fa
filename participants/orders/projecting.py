"""The payment and fulfilment status of an order, as its payments and its shipping tell them.

Nothing here is decided: events come in any order and twice, and a later stage stays.
"""

from typing import Any

from contracts.delivery.service import Because, Ignored, Loads, Service
from contracts.messages.base import Event, Result
from contracts.messages.payments import (
    PaymentAuthorized,
    PaymentCaptured,
    PaymentClosed,
    PaymentFailed,
    PaymentRefunded,
    PaymentReturned,
    PaymentVoided,
)
from contracts.messages.reviews import ManualReviewRequired
from contracts.messages.shipping import OrderDelivered, OrderShipped, ParcelLost, ShippingRequested
from contracts.runtime.session import BatchSession
from participants.orders.statuses import ON_ITS_WAY, advance, fulfilled, known, paid, reach
from participants.orders.tables import OrderRow

REST = "rest"  # what is given back of an order that is cancelled; it has no id of its own
REACHED: dict[type[Event | Result], tuple[str, str]] = {
    PaymentAuthorized: ("payment_status", "authorized"),
    PaymentFailed: ("payment_status", "failed"),
    PaymentCaptured: ("payment_status", "captured"),
    PaymentVoided: ("payment_status", "voided"),
    ShippingRequested: ("fulfilment_status", "requested"),
    OrderShipped: ("fulfilment_status", "shipped"),
    OrderDelivered: ("fulfilment_status", "delivered"),
    ParcelLost: ("fulfilment_status", "lost"),
}


def follow(orders: Service, loads: Loads) -> None:
    """Let the service follow what is told of its orders."""
    for event in REACHED:
        orders.on(event, loads=loads)(_reached)
    orders.on(ManualReviewRequired, loads=loads)(_reviewed)
    orders.on(PaymentClosed, loads=loads)(_closed)
    orders.on(PaymentReturned, loads=loads)(_returned)
    orders.on(PaymentRefunded, loads=loads)(_refunded)


def _reached(event: Any, session: BatchSession) -> Ignored | None:
    row, (axis, stage) = known(session, event.order_id), REACHED[type(event)]
    before, number = row.parcels, getattr(event, "parcel", 0)
    whole = _parcel(row, str(number), event, stage) if number else stage
    moved = advance(row, axis, whole) or row.parcels is not before
    return None if moved else _no_further(row, axis, stage)


def _no_further(row: OrderRow, axis: str, stage: str) -> Ignored:
    stands = getattr(row, axis)
    because: Because = "duplicate" if stands == stage else "stale"
    return Ignored(because, f"the {axis.replace('_', ' ')} is {stands} already")


def _parcel(row: OrderRow, number: str, event: Any, stage: str) -> str:
    """Move one of several parcels on; how far the order is then."""
    if isinstance(event, PaymentCaptured):
        row.parcels = {**row.parcels, number: {**row.parcels[number], "captured": True}}
        return paid(row.parcels)
    parcel = row.parcels[number]
    further = stage not in ON_ITS_WAY or stage in ON_ITS_WAY[_rank(parcel["state"]) + 1 :]
    if further:
        told = {"state": stage, "carrier": event.carrier, "tracking": event.tracking}
        row.parcels = {**row.parcels, number: {**parcel, **told}}
    return fulfilled(row.parcels)


def _rank(state: str) -> int:
    return ON_ITS_WAY.index(state) if state in ON_ITS_WAY else len(ON_ITS_WAY)


def _closed(event: PaymentClosed, session: BatchSession) -> Ignored | None:
    """Nothing more is taken: what was is all there is."""
    row, stage = known(session, event.order_id), "captured" if event.taken.amount else "voided"
    moved = advance(row, "payment_status", stage)
    return None if moved else _no_further(row, "payment_status", stage)


def _reviewed(event: ManualReviewRequired, session: BatchSession) -> Ignored | None:
    """A person is asked; the order says so unless it has ended."""
    row = known(session, event.order_id)
    stands = reach(row, "review", event.question)
    return None if stands else Ignored("stale", f"the order is {row.status} already")


def _returned(event: PaymentReturned, session: BatchSession) -> None:
    """What was held is let go of; what was taken is given back."""
    row = known(session, event.order_id)
    if event.parcel:
        return _part_refunded(row, f"parcel {event.parcel}", event.amount.amount)
    _gave_back(row, REST, event.amount.amount)
    advance(row, "payment_status", "refunded" if event.amount.amount else "voided")


def _refunded(event: PaymentRefunded, session: BatchSession) -> None:
    """A part of what was taken is given back, or the last part."""
    _part_refunded(known(session, event.order_id), event.refund_id, event.amount.amount)


def _part_refunded(row: OrderRow, refund_id: str, amount: int) -> None:
    if amount:
        _gave_back(row, refund_id, amount)
        whole = sum(row.refunded.values()) >= row.amount > 0
        advance(row, "payment_status", "refunded" if whole else "partly refunded")


def _gave_back(row: OrderRow, refund_id: str, amount: int) -> None:
    """Count each refund once, however often it is told, and under whichever id."""
    if amount > row.refunded.get(refund_id, 0):
        row.refunded = {**row.refunded, refund_id: amount}
