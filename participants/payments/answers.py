"""What payments answers: where the payment of an order stands, in the words of who asks.

asking: the provider is asked for a hold, or has not told, or the customer has to authenticate ·
held · refused · letting_go: it is asked to let go, or has not told · gone · taking: it is asked to
capture, or has not told · taken. Of a refund: asking · given · refused
"""

from typing import Any

from contracts.messages.base import Result
from contracts.messages.payments import (
    AuthorizePayment,
    CapturePayment,
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentNotTaken,
    PaymentRefunded,
    PaymentReturned,
    PaymentStatusUnknown,
    PaymentVoided,
    QueryPayment,
    RefundFailed,
    VoidPayment,
)
from contracts.messages.values import Money, OrderId
from participants.payments.tables import Payment, Refund

ASKING, HELD, REFUSED = "asking", "held", "refused"
LETTING_GO, GONE = "letting_go", "gone"
TAKING, TAKEN = "taking", "taken"
GIVEN = "given"
LET_GO = ("voided", "returned")  # why a payment is gone, unless its hold expired
NO_CURRENCY = 3 * "X"  # ISO 4217's code for none: of nothing nobody named the currency

OfHold = PaymentAuthorized | PaymentFailed | PaymentActionRequired | PaymentStatusUnknown
OfVoid = PaymentVoided | PaymentStatusUnknown
OfCapture = PaymentCaptured | PaymentNotTaken | PaymentFailed | PaymentStatusUnknown
OfAll = OfHold | OfCapture | OfVoid
OfRefund = PaymentRefunded | RefundFailed | PaymentStatusUnknown
OfReturn = PaymentReturned | RefundFailed | PaymentStatusUnknown


def told(asked: Any, payment: Payment, refund: Refund | None = None, reason: str = "") -> Result:
    """The answer to the command `asked`, after an outcome (with this `reason`) was recorded."""
    if isinstance(asked, AuthorizePayment):
        return of_hold(payment, reason)
    if isinstance(asked, VoidPayment):
        return of_void(payment, reason)
    if isinstance(asked, CapturePayment):
        return of_capture(payment, reason)
    if isinstance(asked, QueryPayment):
        return of_all(payment, reason)
    if asked.refund_id != payment.return_id and refund:
        return of_refund(payment, refund, reason)
    return of_return(payment, refund, reason)


def of_hold(payment: Payment, reason: str = "") -> OfHold:
    """Is the amount held? What was taken since had been held."""
    if payment.state in (HELD, TAKING, TAKEN):
        return _authorized(payment)
    if payment.state == ASKING and payment.action_url:
        return PaymentActionRequired(order_id=_order(payment), url=payment.action_url)
    return _failed(payment) if payment.state in (REFUSED, GONE) else unknown(payment, reason)


def of_void(payment: Payment, reason: str = "") -> OfVoid:
    """Is nothing held, and will nothing be? What is taken is not ours to let go of."""
    if payment.state in (REFUSED, GONE):
        return PaymentVoided(order_id=_order(payment))
    return unknown(payment, reason or f"the payment is {payment.state}; taken money is refunded")


def of_capture(payment: Payment, reason: str = "") -> OfCapture:
    """Is the amount taken? Where nothing is held, certainly not; where it was returned, no more."""
    if payment.return_id:
        return of_capture_returned(payment, gone=False, reason=reason)
    if payment.state == TAKEN:
        return _captured(payment)
    under_way = payment.state == TAKING or (payment.state == ASKING and payment.renewed)
    return unknown(payment, reason) if under_way else _failed(payment)


def of_capture_returned(payment: Payment, gone: bool, reason: str = "") -> OfCapture:
    """Is nothing taken any more of a part, or of a payment, that was returned?"""
    if gone or nothing_kept(payment):
        return PaymentNotTaken(order_id=_order(payment))
    return unknown(payment, reason)


def of_all(payment: Payment, reason: str = "") -> OfAll:
    """Whatever stands, as the latest operation left it."""
    if payment.return_id and payment.capture_key:
        return of_capture(payment, reason)
    if payment.state == GONE and payment.code in LET_GO:
        return PaymentVoided(order_id=_order(payment))
    return of_capture(payment, reason) if _in_capture(payment) else of_hold(payment, reason)


def of_refund(payment: Payment, refund: Refund, reason: str = "") -> OfRefund:
    """Is the amount given back?"""
    if refund.state == GIVEN:
        return PaymentRefunded(
            order_id=_order(payment),
            refund_id=refund.refund_id,
            amount=money(payment, refund.amount),
            reference=refund.reference or payment.reference,
        )
    return not_given(refund) if refund.state == REFUSED else unknown(payment, reason)


def of_return(payment: Payment, refund: Refund | None, reason: str = "") -> OfReturn:
    """Is nothing held, and nothing kept? Other refunds may still be on their way."""
    if nothing_kept(payment):
        amount = refund.amount if refund and refund.state == GIVEN else 0
        return PaymentReturned(order_id=_order(payment), amount=money(payment, amount))
    if refund and refund.state == REFUSED:
        return not_given(refund)
    return unknown(payment, reason)


def nothing_kept(payment: Payment) -> bool:
    """Whether nothing is held, and all that was taken is given back."""
    all_back = payment.state == TAKEN and payment.refunded == payment.taken
    return all_back or payment.state in (REFUSED, GONE)


def _in_capture(payment: Payment) -> bool:
    return payment.renewed or payment.state in (TAKING, TAKEN)


def _order(payment: Payment) -> OrderId:
    return OrderId(payment.order_id)


def money(payment: Payment, amount: int) -> Money:
    """So much in the currency of the payment."""
    return Money(amount=amount, currency=payment.currency or NO_CURRENCY)


def _authorized(payment: Payment) -> PaymentAuthorized:
    return PaymentAuthorized(
        order_id=_order(payment),
        amount=money(payment, payment.amount),
        reference=payment.reference,
    )


def _captured(payment: Payment) -> PaymentCaptured:
    return PaymentCaptured(
        order_id=_order(payment),
        amount=money(payment, payment.taken),
        reference=payment.reference,
    )


def _failed(payment: Payment) -> PaymentFailed:
    return PaymentFailed(
        order_id=_order(payment),
        code=payment.code or "not_held",
        reason=payment.reason or f"the payment is {payment.state}",
    )


def unknown(payment: Payment, reason: str) -> PaymentStatusUnknown:
    """Nobody can tell yet."""
    reason = reason or f"the payment is {payment.state}"
    return PaymentStatusUnknown(order_id=_order(payment), reason=reason)


def not_given(refund: Refund) -> RefundFailed:
    """The provider certainly gives nothing back."""
    return RefundFailed(
        order_id=OrderId(refund.order_id),
        refund_id=refund.refund_id,
        code=refund.code,
        reason=refund.reason,
    )
