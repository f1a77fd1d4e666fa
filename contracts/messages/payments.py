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
class PaymentVoided(Succeeded, public=True):
    """No authorization of this order is open at the provider, and none will be."""

    order_id: OrderId


@dataclass(frozen=True, kw_only=True)
class PaymentCaptured(Succeeded, public=True):
    """The provider has taken the amount."""

    order_id: OrderId
    amount: Money
    reference: str


@dataclass(frozen=True, kw_only=True)
class AuthorizePayment(
    Command[PaymentAuthorized | PaymentFailed | PaymentStatusUnknown], to="payments"
):
    """Ask the provider to hold the amount. `token` names the card at the provider."""

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
    Command[PaymentCaptured | PaymentFailed | PaymentStatusUnknown], to="payments"
):
    """Take what is held."""

    order_id: OrderId
    amount: Money


@dataclass(frozen=True, kw_only=True)
class QueryPayment(
    Command[
        PaymentAuthorized | PaymentFailed | PaymentVoided | PaymentCaptured | PaymentStatusUnknown
    ],
    to="payments",
    effect=False,
):
    """Find out what came of the last call to the provider for this order."""

    order_id: OrderId
