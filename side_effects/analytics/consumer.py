"""START HERE: how events become sums. What they come to is written by `sums`, a batch at a time."""

from collections.abc import Iterable, Sequence

from contracts.delivery.service import Retries, Rows, Service
from contracts.messages.fraud import FraudCheckFailed
from contracts.messages.orders import OrderConfirmed, OrderCreated, OrderRejected
from contracts.messages.payments import (
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    RefundFailed,
)
from contracts.messages.shipping import ParcelLost, ShippingRequested
from contracts.messages.users import UserRegistered
from contracts.runtime.session import BatchSession
from side_effects.analytics.sums import Failure, Step, add, day_of, placed_on
from side_effects.analytics.tables import AppliedOrder, Registrations

analytics = Service("analytics", Retries(attempts=8))


def _days(events: Sequence[UserRegistered]) -> Iterable[Rows]:
    return ((Registrations, {day_of(event.contact_id) for event in events}),)


@analytics.on(OrderConfirmed)
def sold(event: OrderConfirmed, session: BatchSession) -> None:
    """Add the order to its day, its lines to their SKUs, and itself to its customer's month."""
    session.later(add, event)
    session.later(add, Step(event.order_id, "confirmed"))
    total = event.total
    session.add(
        AppliedOrder(
            order_id=event.order_id,
            day=placed_on(event),
            currency=total.currency,
            amount=total.amount,
        )
    )


@analytics.on(UserRegistered, loads=_days)
def registered(event: UserRegistered, session: BatchSession) -> None:
    """Count the person."""
    day = day_of(event.contact_id)
    row = session.get(Registrations, day)
    if row is None:
        row = Registrations(day=day, people=0)
        session.add(row)
    row.people += 1


@analytics.on(OrderCreated)
def created(event: OrderCreated, session: BatchSession) -> None:
    """The first step of the funnel."""
    session.later(add, Step(event.order_id, "created"))


@analytics.on(PaymentAuthorized)
def authorized(event: PaymentAuthorized, session: BatchSession) -> None:
    """The money is held."""
    session.later(add, Step(event.order_id, "authorized"))


@analytics.on(PaymentCaptured)
def captured(event: PaymentCaptured, session: BatchSession) -> None:
    """The money is taken."""
    session.later(add, Step(event.order_id, "captured"))


@analytics.on(ShippingRequested)
def shipped(event: ShippingRequested, session: BatchSession) -> None:
    """The carrier has the parcel."""
    session.later(add, Step(event.order_id, "shipped"))


@analytics.on(OrderRejected)
def rejected(event: OrderRejected, session: BatchSession) -> None:
    """The order came to nothing, and why."""
    session.later(add, Step(event.order_id, "rejected"))
    session.later(add, Failure(event.order_id, "order rejected", event.reason))


@analytics.on(PaymentFailed)
def refused(event: PaymentFailed, session: BatchSession) -> None:
    """The provider refused."""
    session.later(add, Failure(event.order_id, "payment failed", event.code))


@analytics.on(RefundFailed)
def not_refunded(event: RefundFailed, session: BatchSession) -> None:
    """The provider did not give the money back."""
    session.later(add, Failure(event.order_id, "refund failed", event.code))


@analytics.on(FraudCheckFailed)
def forbidden(event: FraudCheckFailed, session: BatchSession) -> None:
    """A rule against fraud forbade the order."""
    session.later(add, Failure(event.order_id, "fraud check failed", event.rule))


@analytics.on(ParcelLost)
def lost(event: ParcelLost, session: BatchSession) -> None:
    """The carrier lost the parcel."""
    session.later(add, Failure(event.order_id, "parcel lost", event.carrier))
