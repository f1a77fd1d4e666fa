"""START HERE: what each published event tells the index of orders.

The SKUs of an order are published when it is confirmed; before that it is found by all else. What
has become of its money and its parcels is told by `orders`, which keeps it.
"""

from typing import Any

from contracts.delivery.service import Retries, Service
from contracts.messages.fraud import FraudCheckFailed, FraudSuspected
from contracts.messages.orders import OrderCancelled, OrderConfirmed, OrderCreated, OrderRejected
from contracts.messages.payments import PaymentFailed, RefundFailed
from contracts.messages.reviews import ManualReviewRequired
from contracts.runtime.session import BatchSession
from side_effects.search.index import heard, put

search = Service("search", Retries(attempts=8))


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


for kind in (FraudSuspected, FraudCheckFailed, PaymentFailed, RefundFailed):
    search.on(kind)(explained)
