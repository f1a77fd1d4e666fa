"""What payments answers: where the payment of an order stands, in the words of who asks.

asking: the provider is asked for a hold, or has not told · held · refused · letting_go: it is asked
to let go, or has not told · gone · taking: it is asked to capture, or has not told · taken
"""

from typing import Any

from contracts.delivery.service import Outcome, Refused, Unsure
from contracts.messages.base import Result
from contracts.messages.payments import (
    AuthorizePayment,
    CapturePayment,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentStatusUnknown,
    PaymentVoided,
    VoidPayment,
)
from contracts.messages.values import Money, OrderId
from participants.payments.tables import Payment

ASKING, HELD, REFUSED = "asking", "held", "refused"
LETTING_GO, GONE = "letting_go", "gone"
TAKING, TAKEN = "taking", "taken"


def told(asked: Any, payment: Payment, outcome: Outcome | None = None) -> Result:
    """The answer to the command `asked`, after `outcome` was recorded."""
    reason = outcome.reason if isinstance(outcome, Refused | Unsure) else ""
    if isinstance(asked, AuthorizePayment):
        return of_hold(payment, reason)
    if isinstance(asked, VoidPayment):
        return of_void(payment, reason)
    return of_capture(payment, reason) if isinstance(asked, CapturePayment) else of_all(payment)


def of_hold(
    payment: Payment, reason: str = ""
) -> PaymentAuthorized | PaymentFailed | PaymentStatusUnknown:
    """Is the amount held? What was taken since had been held."""
    if payment.state in (HELD, TAKING, TAKEN):
        return _authorized(payment)
    return _failed(payment) if payment.state in (REFUSED, GONE) else _unknown(payment, reason)


def of_void(payment: Payment, reason: str = "") -> PaymentVoided | PaymentStatusUnknown:
    """Is nothing held, and will nothing be? What is taken is not ours to let go of."""
    if payment.state in (REFUSED, GONE):
        return _voided(payment)
    return _unknown(payment, reason or f"the payment is {payment.state}; taken money is refunded")


def of_capture(
    payment: Payment, reason: str = ""
) -> PaymentCaptured | PaymentFailed | PaymentStatusUnknown:
    """Is the amount taken? Where nothing is held, certainly not."""
    if payment.state == TAKEN:
        return _captured(payment)
    return _unknown(payment, reason) if payment.state == TAKING else _failed(payment)


def of_all(
    payment: Payment, reason: str = ""
) -> PaymentAuthorized | PaymentFailed | PaymentVoided | PaymentCaptured | PaymentStatusUnknown:
    """Whatever stands, as the latest operation left it."""
    if payment.state == GONE:
        return _voided(payment)
    return of_capture(payment, reason) if payment.state in (TAKING, TAKEN) else of_hold(payment)


def _authorized(payment: Payment) -> PaymentAuthorized:
    return PaymentAuthorized(
        order_id=OrderId(payment.order_id),
        amount=Money(amount=payment.amount, currency=payment.currency),
        reference=payment.reference,
    )


def _captured(payment: Payment) -> PaymentCaptured:
    return PaymentCaptured(
        order_id=OrderId(payment.order_id),
        amount=Money(amount=payment.taken, currency=payment.currency),
        reference=payment.reference,
    )


def _voided(payment: Payment) -> PaymentVoided:
    return PaymentVoided(order_id=OrderId(payment.order_id))


def _failed(payment: Payment) -> PaymentFailed:
    return PaymentFailed(
        order_id=OrderId(payment.order_id),
        code=payment.code or "not_held",
        reason=payment.reason or f"the payment is {payment.state}",
    )


def _unknown(payment: Payment, reason: str) -> PaymentStatusUnknown:
    reason = reason or f"the payment is {payment.state}"
    return PaymentStatusUnknown(order_id=OrderId(payment.order_id), reason=reason)
