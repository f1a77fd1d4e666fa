"""START HERE: what each published event tells the index of orders.

The SKUs of an order are published when it is confirmed; before that it is found by all else.
"""

from typing import Any

from contracts.delivery.service import Service
from contracts.messages.fraud import FraudCheckFailed, FraudSuspected
from contracts.messages.orders import OrderCancelled, OrderConfirmed, OrderCreated, OrderRejected
from contracts.messages.payments import (
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentRefunded,
    PaymentReturned,
    PaymentVoided,
    RefundFailed,
)
from contracts.messages.reviews import ManualReviewRequired
from contracts.messages.shipping import (
    OrderDelivered,
    OrderShipped,
    ParcelLost,
    ShippingRequested,
)
from contracts.runtime.session import BatchSession
from side_effects.search.index import heard, put

search = Service("search")
PAYMENT: dict[type[Any], str] = {
    PaymentActionRequired: "action_required",
    PaymentAuthorized: "authorized",
    PaymentFailed: "failed",
    PaymentCaptured: "captured",
    PaymentVoided: "voided",
    PaymentRefunded: "refunded",
    PaymentReturned: "returned",
}
FULFILMENT: dict[type[Any], str] = {
    ShippingRequested: "requested",
    OrderShipped: "shipped",
    ParcelLost: "lost",
    OrderDelivered: "delivered",
}


@search.on(OrderCreated)
def created(event: OrderCreated, session: BatchSession) -> None:
    """The order is there: whose it is, and what it costs."""
    order = heard(event.order_id, event.total, customer_id=event.customer_id)
    session.later(put, order)


@search.on(OrderConfirmed)
def confirmed(event: OrderConfirmed, session: BatchSession) -> None:
    """The order is confirmed: what is sold, and what it costs for good."""
    skus = frozenset(line.sku for line in event.lines)
    order = heard(
        event.order_id,
        event.total,
        customer_id=event.customer_id,
        status="confirmed",
        skus=skus,
    )
    session.later(put, order)


@search.on(OrderRejected)
def rejected(event: OrderRejected, session: BatchSession) -> None:
    """The order is rejected, and why."""
    session.later(put, heard(event.order_id, reason=event.reason, status="rejected"))


@search.on(OrderCancelled)
def cancelled(event: OrderCancelled, session: BatchSession) -> None:
    """The order is cancelled, and why."""
    session.later(put, heard(event.order_id, reason=event.reason, status="cancelled"))


@search.on(ManualReviewRequired)
def reviewed(event: ManualReviewRequired, session: BatchSession) -> None:
    """A person is asked; the order is found by the question."""
    session.later(put, heard(event.order_id, reason=event.question, status="review"))


def explained(event: Any, session: BatchSession) -> None:
    """Nothing but a reason, which the order is found by."""
    session.later(put, heard(event.order_id, reason=event.reason))


def paid(event: Any, session: BatchSession) -> None:
    """The payment has come to a stage; a refusal says why."""
    reason, stage = getattr(event, "reason", ""), PAYMENT[type(event)]
    session.later(put, heard(event.order_id, reason=reason, payment_status=stage))


def sent(event: Any, session: BatchSession) -> None:
    """The parcel has come to a stage."""
    session.later(put, heard(event.order_id, fulfilment_status=FULFILMENT[type(event)]))


for kind in (FraudSuspected, FraudCheckFailed, RefundFailed):
    search.on(kind)(explained)
for kind in PAYMENT:
    search.on(kind)(paid)
for kind in FULFILMENT:
    search.on(kind)(sent)
