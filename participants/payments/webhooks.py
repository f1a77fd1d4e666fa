"""What the provider reports of its own accord: kept once by its event id, applied as an answer is.

A report is the same fact as the answer of the call that caused it (`standing`) and may come before
that, after it, or alone. It says how the object stood when it was sent, so that what counts is the
status in it, not the kind of event. Who waits for what is certain now is answered at once. What
else follows is left to the worker as an intent: a hold that nobody wants is let go of, and a refund
of which only the sum is told is asked for once more, under its key.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from contracts.delivery.envelope import Envelope, read_envelope
from contracts.delivery.service import Done, Intent, Refused
from contracts.delivery.turn import tell, want
from contracts.messages.base import Command, Unknown
from contracts.messages.payments import QueryRefund, VoidPayment
from contracts.messages.values import MessageId, OrderId, stamped
from contracts.runtime.bulk import among, insert_new
from contracts.runtime.session import BatchSession
from participants.payments import provider, refunds, standing
from participants.payments.answers import ASKING
from participants.payments.giving_back import given_as
from participants.payments.handlers import payments
from participants.payments.recording import tell_of
from participants.payments.tables import Payment, Refund, Webhook

Wish = tuple[Command[Any], Intent]


def reported(session: BatchSession, events: Sequence[Any]) -> list[bool]:
    """Apply these events of the provider, but those that were reported before; which are new."""
    _load(session, events)
    new = _remember(session, events)
    for event in events:
        if event.id in new:
            _apply(session, event)
    known: set[str] = set()
    return [_first(event.id, known) and event.id in new for event in events]


def _apply(session: BatchSession, event: Any) -> None:
    """Change what is said of this object, and answer who waits for that."""
    about = event.data.object
    order_id = _order_of(about)
    payment = session.get(Payment, order_id) if order_id else None
    if payment is None:
        return
    if about.object == "refund":
        refund = _of_refund(session, payment, about)
        return _answer(session, payment, refund)
    wishes = _of_intent if about.object == "payment_intent" else _of_charge
    for command, intent in wishes(session, payment, about):
        want(session, intent, _from_ourselves(command, event.id))
    return _answer(session, payment)


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


def _of_refund(session: BatchSession, payment: Payment, about: Any) -> Refund | None:
    refund = refunds.refund_of(session, payment, _named(about, "refund_id"))
    outcome = given_as(about)
    if refund and isinstance(outcome, Done):
        standing.given(session, payment, refund, about.id)
    elif refund and isinstance(outcome, Refused):
        key = _named(about, "key")
        standing.not_given(payment, refund, key, outcome.code, outcome.reason)
    return refund


def _of_charge(session: BatchSession, payment: Payment, _: Any) -> Iterator[Wish]:
    """A charge tells a sum, not which refunds: each that is under way is asked for once more."""
    order_id = OrderId(payment.order_id)
    for refund in session.info["under_way"]:  # of every charge that is told of
        if refund.order_id == order_id and refund.state == ASKING:
            query = QueryRefund(order_id=order_id, refund_id=refund.refund_id)
            yield query, refunds.giving_back(payment, refund)


def _answer(session: BatchSession, payment: Payment, refund: Refund | None = None) -> None:
    """Answer those commands that wait for what is certain now."""
    for about in (payment, refund):
        if about and about.waiting:
            asked = session.info["envelope"] = read_envelope(about.waiting)
            answer = tell_of(session, payment, refund)
            if not isinstance(answer, Unknown):
                tell(session, asked, answer)


def _load(session: BatchSession, events: Iterable[Any]) -> None:
    """Lock what the events are about: payments, then refunds. Other shops may have orders at the
    provider too."""
    objects = [event.data.object for event in events]
    session.load(Payment, {order for about in objects if (order := _order_of(about))})
    named = {(_order_of(about), _named(about, "refund_id")) for about in objects}
    session.load(Refund, {key for key in named if all(key)})
    charged = sorted({_order_of(about) for about in objects if _is_charge(about)} - {""})
    session.info["under_way"] = (
        session.scalars(_UNDER_WAY, {"among": charged}).all() if charged else ()
    )


def _remember(session: BatchSession, events: Iterable[Any]) -> set[str]:
    """Write down that these events came; those that came for the first time."""
    rows = {event.id: _row(event) for event in events}
    return insert_new(session, Webhook.__table__, [rows[key] for key in sorted(rows)], "event_id")


def _row(event: Any) -> dict[str, str]:
    about = event.data.object
    return {
        "event_id": event.id,
        "type": event.type,
        "reference": str(getattr(about, "id", "")),
        "order_id": _named(about, "order_id"),
    }


def _first(event_id: str, known: set[str]) -> bool:
    new = event_id not in known
    known.add(event_id)
    return new


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


def _order_of(about: Any) -> str:
    """The order that the object is about; empty when it is none of ours."""
    try:
        return str(UUID(_named(about, "order_id")))
    except ValueError:
        return ""


def _is_charge(about: Any) -> bool:
    return getattr(about, "object", "") == "charge"


def _named(about: Any, name: str) -> str:
    """A value of the object's metadata: what we gave it when we made it."""
    return str(getattr(getattr(about, "metadata", None), name, None) or "")


_UNDER_WAY = (
    select(Refund)
    .where(among(Refund.order_id), Refund.state == ASKING)
    .order_by(Refund.order_id, Refund.refund_id)
    .with_for_update()
)
