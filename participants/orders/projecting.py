"""The payment and fulfilment status of an order, as its payments and its shipping tell them.

Nothing here is decided: events come in any order and twice, and a later stage stays.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from contracts.delivery.service import Rows, Service
from contracts.messages.base import Event, Result
from contracts.messages.payments import (
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentRefunded,
    PaymentReturned,
    PaymentVoided,
)
from contracts.messages.reviews import ManualReviewRequired
from contracts.messages.shipping import OrderDelivered, OrderShipped, ParcelLost, ShippingRequested
from contracts.runtime.session import BatchSession
from participants.orders.statuses import advance, known, reach
from participants.orders.tables import OrderRow

REST = "rest"  # what is given back of an order that is cancelled; it has no id of its own
Loads = Callable[[Sequence[Any]], Iterable[Rows]]
STAGES: dict[type[Event | Result], tuple[str, str]] = {
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
    for event in STAGES:
        orders.on(event, loads=loads)(_reached)
    orders.on(ManualReviewRequired, loads=loads)(_reviewed)
    orders.on(PaymentReturned, loads=loads)(_returned)
    orders.on(PaymentRefunded, loads=loads)(_refunded)


def _reached(event: Any, session: BatchSession) -> None:
    advance(known(session, event.order_id), *STAGES[type(event)])


def _reviewed(event: ManualReviewRequired, session: BatchSession) -> None:
    """A person is asked; the order says so unless it has ended."""
    reach(known(session, event.order_id), "review", event.question)


def _returned(event: PaymentReturned, session: BatchSession) -> None:
    """What was held is let go of; what was taken is given back."""
    row = known(session, event.order_id)
    _gave_back(row, REST, event.amount.amount)
    advance(row, "payment_status", "refunded" if event.amount.amount else "voided")


def _refunded(event: PaymentRefunded, session: BatchSession) -> None:
    """A part of what was taken is given back, or the last part."""
    row = known(session, event.order_id)
    _gave_back(row, event.refund_id, event.amount.amount)
    whole = sum(row.refunded.values()) >= row.amount > 0
    advance(row, "payment_status", "refunded" if whole else "partly refunded")


def _gave_back(row: OrderRow, refund_id: str, amount: int) -> None:
    """Count each refund once, however often it is told, and under whichever id."""
    if amount > row.refunded.get(refund_id, 0):
        row.refunded = {**row.refunded, refund_id: amount}
