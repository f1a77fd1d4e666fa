"""What payments answers, by where the payment of an order stands."""

from contracts.delivery.service import Outcome, Refused, Unsure
from contracts.messages.payments import (
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentStatusUnknown,
    PaymentVoided,
)
from contracts.messages.values import Money, OrderId
from participants.payments.tables import Payment

# asking: the provider is asked for a hold, or has not told · held · refused · letting_go · gone ·
# taking: the provider is asked to capture, or has not told · taken
ASKING, HELD, REFUSED, LETTING_GO, GONE, TAKING, TAKEN = (
    "asking",
    "held",
    "refused",
    "letting_go",
    "gone",
    "taking",
    "taken",
)


Told = PaymentAuthorized | PaymentFailed | PaymentCaptured | PaymentStatusUnknown


def standing(payment: Payment, outcome: Outcome) -> Told:
    """The answer by where the payment stands after `outcome` was recorded."""
    if payment.state in (ASKING, TAKING, LETTING_GO):
        return unknown(payment, why(outcome))
    return certain(payment)


def certain(payment: Payment) -> PaymentAuthorized | PaymentFailed | PaymentCaptured:
    """The answer where nothing is in doubt; a payment that was let go of has failed."""
    if payment.state == HELD:
        return authorized(payment)
    return captured(payment) if payment.state == TAKEN else failed(payment)


def why(outcome: Outcome) -> str:
    """The reason that an outcome gives, if any."""
    return outcome.reason if isinstance(outcome, Refused | Unsure) else ""


def _money(payment: Payment) -> Money:
    return Money(amount=payment.amount, currency=payment.currency)


def authorized(payment: Payment) -> PaymentAuthorized:
    """The amount is held."""
    order_id = OrderId(payment.order_id)
    return PaymentAuthorized(order_id=order_id, amount=_money(payment), reference=payment.reference)


def captured(payment: Payment) -> PaymentCaptured:
    """The amount is taken."""
    order_id = OrderId(payment.order_id)
    return PaymentCaptured(order_id=order_id, amount=_money(payment), reference=payment.reference)


def voided(payment: Payment) -> PaymentVoided:
    """Nothing is held, and nothing will be."""
    return PaymentVoided(order_id=OrderId(payment.order_id))


def failed(payment: Payment) -> PaymentFailed:
    """Nothing is held or taken, and why."""
    return PaymentFailed(
        order_id=OrderId(payment.order_id),
        code=payment.code or payment.state,
        reason=payment.reason or f"the payment is {payment.state}",
    )


def unknown(payment: Payment, reason: str) -> PaymentStatusUnknown:
    """Nobody can tell, and why."""
    return PaymentStatusUnknown(order_id=OrderId(payment.order_id), reason=reason)
