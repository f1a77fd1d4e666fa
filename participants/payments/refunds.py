"""Giving money back: a part of what was taken, or, with a return, whatever there is.

Never more is given back than was taken: what is on its way back counts. A return waits for what is
under way at the provider: letting go of a hold that may just be taken shows which it was. Every
call is made under the lock of the payment.
"""

from datetime import UTC, datetime
from typing import Any

from contracts.messages.payments import RefundFailed, RefundPayment, ReturnPayment
from contracts.messages.values import OrderId
from contracts.runtime.session import BatchSession
from participants.payments import answers, standing
from participants.payments.answers import (
    ASKING,
    GONE,
    HELD,
    LETTING_GO,
    REFUSED,
    TAKEN,
    TAKING,
    OfReturn,
)
from participants.payments.giving_back import GiveBack
from participants.payments.provider import Hold, LetGo, Take
from participants.payments.tables import Payment, Refund


def returning(
    session: BatchSession, payment: Payment, anew: bool = False
) -> OfReturn | LetGo | GiveBack:
    """What the return needs next, or its answer; `anew` tries again what was refused."""
    if payment.state in (ASKING, HELD, TAKING, LETTING_GO):
        payment.state = LETTING_GO
        return letting_go(payment)
    if payment.state in (REFUSED, GONE):
        standing.gone(payment, "returned", "the payment was returned")
        return answers.of_return(payment, None)
    refund = refund_of(session, payment, payment.return_id)
    left = left_of(payment)
    if left and not payment.refunding and (refund is None or (anew and refund.state == REFUSED)):
        refund = begin(session, payment, payment.return_id, left)
    if refund and refund.state == ASKING:
        return giving_back(payment, refund)
    return answers.of_return(payment, refund)


def refusal(payment: Payment | None, command: RefundPayment) -> RefundFailed | None:
    """Why this refund cannot be asked for, if so."""
    code, reason = "", ""
    if payment is None or not (payment.state == TAKEN or (payment.in_parts and payment.taken)):
        code, reason = "not_taken", f"the payment is {payment.state if payment else 'not known'}"
    elif payment.return_id:
        code, reason = "returned", "the whole payment is given back"
    elif command.amount.currency != payment.currency or command.amount.amount <= 0:
        code, reason = "amount_invalid", f"{command.amount} is nothing that was taken"
    elif command.amount.amount > left_of(payment):
        return too_large(command.order_id, command.refund_id, payment)
    return failed(command, code, reason) if code else None


def too_large(order_id: str, refund_id: str, payment: Payment) -> RefundFailed:
    """More than was taken is not given back, whoever asks for it."""
    reason = f"only {left_of(payment)} is left to refund"
    return RefundFailed(
        order_id=OrderId(order_id), refund_id=refund_id, code="amount_too_large", reason=reason
    )


def failed(command: RefundPayment | ReturnPayment, code: str, reason: str) -> RefundFailed:
    """Nothing is given back, for a reason of our own."""
    refund_id = command.refund_id
    return RefundFailed(order_id=command.order_id, refund_id=refund_id, code=code, reason=reason)


def begin(session: BatchSession, payment: Payment, refund_id: str, amount: int) -> Refund:
    """Begin to give this amount back; after a refusal this is a new attempt, under a new key."""
    refund = refund_of(session, payment, refund_id)
    if refund is None:
        refund = Refund(order_id=payment.order_id, refund_id=refund_id, reference="")
        session.add(refund)
    refund.state, refund.amount, refund.key = ASKING, amount, str(session.info["envelope"].id)
    refund.code, refund.reason, refund.told, refund.waiting = "", "", "", None
    refund.asked_at = datetime.now(UTC)
    payment.refunding += amount
    return refund


def refund_of(session: BatchSession, payment: Payment, refund_id: str) -> Refund | None:
    """The refund of this id, if it was ever begun."""
    if not refund_id:
        return None
    found: Refund | None = session.get(Refund, (payment.order_id, refund_id))
    return found


def left_of(payment: Payment) -> int:
    """What was taken and is neither given back nor on its way, in minor units."""
    return payment.taken - payment.refunded - payment.refunding


def taking(payment: Payment) -> Take:
    """Ask the provider to take what the latest capture asked for."""
    return Take(
        key=payment.capture_key,
        order_id=OrderId(payment.order_id),
        amount=payment.taken,
        reference=payment.reference,
        hold_key=payment.create_key,
    )


def giving_back(payment: Payment, refund: Refund, parcel: int = 0) -> GiveBack:
    """Ask the provider to give the refund back, under the key of its attempt."""
    return GiveBack(
        key=refund.key,
        order_id=OrderId(payment.order_id),
        refund_id=refund.refund_id,
        amount=refund.amount,
        reference=payment.reference,
        asked_at=refund.asked_at,
        parcel=parcel,
    )


def letting_go(payment: Payment, key: str = "", reference: str = "") -> LetGo:
    """Ask the provider to let go of whatever this payment holds, or of this hold of an attempt."""
    told: dict[str, Any] = {"return_id": payment.return_id, "in_parts": payment.in_parts}
    if key:
        told |= {"key": key, "reference": reference}
    return LetGo(**vars(holding(payment)) | told)


def holding(payment: Payment) -> Hold:
    """Ask the provider for the hold, under the key first used, or read it where it is known."""
    return Hold(
        key=payment.create_key,
        order_id=OrderId(payment.order_id),
        amount=payment.amount,
        currency=payment.currency,
        token=payment.token,
        asked_at=payment.asked_at,
        method=payment.method,
        reference=payment.reference,
        alone=payment.renewed,
    )
