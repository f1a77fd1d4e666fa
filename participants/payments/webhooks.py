"""What the provider reports of its own accord: kept once by its event id, applied as an answer is.

A report is the same fact as the answer of the call that caused it (`standing`) and may come before
that, after it, or alone. It says how the object stood when it was sent, so that what counts is the
status in it, not the kind of event. What follows from it is left to the worker as an intent: a hold
that nobody wants is let go of, and a refund of which only the sum is told is asked for once more,
under its key. What the customer's saga waits for is answered and published as ever: by its call.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from contracts.delivery.envelope import Envelope
from contracts.delivery.service import Done, Intent, Refused
from contracts.delivery.turn import Turn
from contracts.messages.base import Command
from contracts.messages.payments import QueryRefund, VoidPayment
from contracts.messages.values import MessageId, OrderId, stamped
from contracts.runtime.bulk import insert_new
from contracts.runtime.session import BatchSession
from participants.payments import provider, refunds, standing
from participants.payments.answers import ASKING
from participants.payments.giving_back import given_as
from participants.payments.handlers import payments
from participants.payments.tables import Payment, Refund, Webhook

Wish = tuple[Command[Any], Intent]


def reported(session: BatchSession, event: Any) -> bool:
    """Apply an event of the provider, unless it was reported before; whether it is new."""
    about = event.data.object
    order_id = _named(about, "order_id")
    payment = _payment(session, order_id)
    if not _remember(session, event, about, order_id):
        return False
    turn = Turn(payments, session, lease=timedelta(0))
    for command, intent in _applied(session, payment, about) if payment else ():
        turn.record(_from_ourselves(command, event.id), intent)
    turn.write()
    return True


def _applied(session: BatchSession, payment: Payment, about: Any) -> Iterator[Wish]:
    """Apply what is said of this object; what is to be done then."""
    if about.object == "payment_intent":
        yield from _of_intent(session, payment, about)
    elif about.object == "refund":
        _of_refund(session, payment, about)
    elif about.object == "charge":
        yield from _of_charge(session, payment)


def _of_intent(session: BatchSession, payment: Payment, intent: Any) -> Iterator[Wish]:
    key = _named(intent, "key")
    if intent.status == provider.TAKEN:
        standing.taken(session, payment, key, intent.id, intent.amount_received)
    elif intent.status == provider.GONE:
        standing.canceled(session, payment, key, intent.id)
    elif not standing.hold_told(session, payment, key, provider.held_as(intent)):
        order_id = OrderId(payment.order_id)
        letting_go = refunds.letting_go(payment, key, intent.id)
        yield VoidPayment(order_id=order_id), letting_go


def _of_refund(session: BatchSession, payment: Payment, about: Any) -> None:
    refund = refunds.refund_of(session, payment, _named(about, "refund_id"))
    outcome = given_as(about)
    if refund and isinstance(outcome, Done):
        standing.given(session, payment, refund, about.id)
    elif refund and isinstance(outcome, Refused):
        key = _named(about, "key")
        standing.not_given(payment, refund, key, outcome.code, outcome.reason)


def _of_charge(session: BatchSession, payment: Payment) -> Iterator[Wish]:
    """A charge tells a sum, not which refunds: each that is under way is asked for once more."""
    order_id = OrderId(payment.order_id)
    under_way = select(Refund).where(Refund.order_id == order_id, Refund.state == ASKING)
    for refund in session.scalars(under_way.order_by(Refund.refund_id).with_for_update()):
        query = QueryRefund(order_id=order_id, refund_id=refund.refund_id)
        yield query, refunds.giving_back(payment, refund)


def _payment(session: BatchSession, order_id: str) -> Payment | None:
    """The payment of the order, locked; other shops may have orders at the provider too."""
    try:
        order_id = str(UUID(order_id))
    except ValueError:
        return None
    session.load(Payment, {order_id})
    found: Payment | None = session.get(Payment, order_id)
    return found


def _remember(session: BatchSession, event: Any, about: Any, order_id: str) -> bool:
    """Write down that this event came; whether it is the first time."""
    row = {
        "event_id": event.id,
        "type": event.type,
        "reference": str(getattr(about, "id", "")),
        "order_id": order_id,
    }
    return bool(insert_new(session, Webhook.__table__, [row], "event_id"))


def _from_ourselves(command: Command[Any], event_id: str) -> Envelope:
    """What the worker performs for nobody but us: nobody waits for the answer."""
    now = datetime.now(UTC)
    order_id, refund_id = getattr(command, "order_id", ""), getattr(command, "refund_id", "")
    return Envelope(
        id=MessageId(stamped(now, event_id, order_id, refund_id)),
        message=command,
        source=payments.name,
        at=now,
        subject=order_id,
    )


def _named(about: Any, name: str) -> str:
    """A value of the object's metadata: what we gave it when we made it."""
    return str(getattr(getattr(about, "metadata", None), name, None) or "")
