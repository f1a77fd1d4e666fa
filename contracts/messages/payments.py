"""What is said to and by `payments`, the owner of the money ledger and of the provider."""

from dataclasses import dataclass

from contracts.messages.base import Command, Failed, Succeeded, Unknown
from contracts.messages.values import Money, OrderId


@dataclass(frozen=True, kw_only=True)
class PaymentAuthorized(Succeeded, public=True):
    """The provider holds the amount for us."""

    order_id: OrderId
    amount: Money
    reference: str


@dataclass(frozen=True, kw_only=True)
class PaymentFailed(Failed, public=True):
    """The provider certainly holds and takes nothing; `code` is the provider's reason."""

    order_id: OrderId
    code: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class PaymentStatusUnknown(Unknown):
    """The provider did not say; the charge may or may not exist."""

    order_id: OrderId
    reason: str


@dataclass(frozen=True, kw_only=True)
class PaymentActionRequired(Unknown, public=True):
    """The customer has to authenticate before the provider holds anything; `url` is where."""

    order_id: OrderId
    url: str


@dataclass(frozen=True, kw_only=True)
class PaymentVoided(Succeeded, public=True):
    """No authorization of this order is open at the provider, and none will be."""

    order_id: OrderId


@dataclass(frozen=True, kw_only=True)
class PaymentCaptured(Succeeded, public=True):
    """The provider has taken the amount: all of it, or that of one `parcel`."""

    order_id: OrderId
    amount: Money
    reference: str
    parcel: int = 0


@dataclass(frozen=True, kw_only=True)
class PaymentNotTaken(Succeeded):
    """Nothing is taken and nothing is to be taken: the payment was returned before."""

    order_id: OrderId


@dataclass(frozen=True, kw_only=True)
class PaymentReturned(Succeeded, public=True):
    """Nothing is held and nothing is kept of the order, or of its `parcel`: what was held is let go
    of, and `amount`, all that had been taken and was not refunded yet, is given back."""

    order_id: OrderId
    amount: Money
    parcel: int = 0


@dataclass(frozen=True, kw_only=True)
class PaymentClosed(Succeeded, public=True):
    """Nothing more is taken: what no parcel took is let go of. So much was `taken` in all."""

    order_id: OrderId
    taken: Money


@dataclass(frozen=True, kw_only=True)
class PaymentRefunded(Succeeded, public=True):
    """The amount is given back."""

    order_id: OrderId
    refund_id: str
    amount: Money
    reference: str


@dataclass(frozen=True, kw_only=True)
class RefundFailed(Failed, public=True):
    """Nothing is given back; `code` is the provider's reason."""

    order_id: OrderId
    refund_id: str
    code: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class RefundApproved(Succeeded):
    """The amount may be given back."""

    order_id: OrderId
    refund_id: str


@dataclass(frozen=True, kw_only=True)
class RefundNeedsApproval(Succeeded):
    """With this amount more than `limit` is given back of the order: a second person decides."""

    order_id: OrderId
    refund_id: str
    amount: Money
    limit: Money


@dataclass(frozen=True, kw_only=True)
class AuthorizePayment(
    Command[PaymentAuthorized | PaymentFailed | PaymentActionRequired | PaymentStatusUnknown],
    to="payments",
):
    """Ask the provider to hold the amount. `method` is card, wallet or invoice (paid later, by
    whoever the shop trusts); `token` names the card or wallet at the provider."""

    order_id: OrderId
    amount: Money
    method: str
    token: str


@dataclass(frozen=True, kw_only=True)
class VoidPayment(Command[PaymentVoided | PaymentStatusUnknown], to="payments"):
    """Let go of the hold. Undoes `AuthorizePayment`; may come before it."""

    order_id: OrderId


@dataclass(frozen=True, kw_only=True)
class CapturePayment(
    Command[PaymentCaptured | PaymentNotTaken | PaymentFailed | PaymentStatusUnknown], to="payments"
):
    """Take what is held, or the part of one `parcel` of several; the rest stays held for others."""

    order_id: OrderId
    amount: Money
    parcel: int = 0


@dataclass(frozen=True, kw_only=True)
class ReturnPayment(Command[PaymentReturned | RefundFailed | PaymentStatusUnknown], to="payments"):
    """Let go of what is held and give back what was taken, whichever it is; from then on nothing is
    taken any more. Of an order that is cancelled, or of its `parcel` that is not sent, whose
    part is `amount`; may come before the capture."""

    order_id: OrderId
    refund_id: str
    parcel: int = 0
    amount: Money | None = None


@dataclass(frozen=True, kw_only=True)
class ClosePayment(Command[PaymentClosed | PaymentStatusUnknown], to="payments"):
    """Let go of what is held and no parcel took. Of an order whose parcels have all ended."""

    order_id: OrderId


@dataclass(frozen=True, kw_only=True)
class ApproveRefund(Command[RefundApproved | RefundNeedsApproval], to="payments", effect=False):
    """May this much be given back on the word of whoever asked for it?"""

    order_id: OrderId
    refund_id: str
    amount: Money


@dataclass(frozen=True, kw_only=True)
class RefundPayment(Command[PaymentRefunded | RefundFailed | PaymentStatusUnknown], to="payments"):
    """Give back this part of what was taken. `refund_id` names the refund among those of the order;
    a new attempt after a certain failure keeps it."""

    order_id: OrderId
    refund_id: str
    amount: Money


@dataclass(frozen=True, kw_only=True)
class QueryPayment(
    Command[
        PaymentAuthorized
        | PaymentFailed
        | PaymentActionRequired
        | PaymentVoided
        | PaymentCaptured
        | PaymentNotTaken
        | PaymentClosed
        | PaymentStatusUnknown
    ],
    to="payments",
    effect=False,
):
    """Find out what came of the last call to the provider for this order."""

    order_id: OrderId


@dataclass(frozen=True, kw_only=True)
class QueryCapture(
    Command[
        PaymentCaptured | PaymentNotTaken | PaymentReturned | PaymentFailed | PaymentStatusUnknown
    ],
    to="payments",
    effect=False,
):
    """Find out what came of the capture for a parcel, or of its return under this id."""

    order_id: OrderId
    parcel: int
    refund_id: str


@dataclass(frozen=True, kw_only=True)
class QueryRefund(
    Command[PaymentReturned | PaymentRefunded | RefundFailed | PaymentStatusUnknown],
    to="payments",
    effect=False,
):
    """Find out what came of a refund of this order, or of the return of its payment."""

    order_id: OrderId
    refund_id: str
