"""What is said to and by `fraud`, which judges an order before anything is held for it."""

from dataclasses import dataclass

from contracts.messages.base import Command, Failed, Succeeded
from contracts.messages.values import CustomerId, Money, OrderId


@dataclass(frozen=True, kw_only=True)
class FraudCheckPassed(Succeeded):
    """No rule speaks against the order."""

    order_id: OrderId


@dataclass(frozen=True, kw_only=True)
class FraudSuspected(Succeeded, public=True):
    """A rule wants a person to look at the order before it goes on."""

    order_id: OrderId
    rule: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class FraudCheckFailed(Failed, public=True):
    """A rule forbids the order."""

    order_id: OrderId
    rule: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class CheckFraud(
    Command[FraudCheckPassed | FraudSuspected | FraudCheckFailed], to="fraud", effect=False
):
    """Judge the order. Countries are ISO 3166 codes, `card_country` empty when it is not known;
    `payment_token` names the card at the provider."""

    order_id: OrderId
    customer_id: CustomerId
    amount: Money
    ship_country: str
    card_country: str
    payment_token: str
