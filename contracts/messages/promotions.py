"""What is said to and by `promotions`, the owner of codes and of how often each may be used."""

from dataclasses import dataclass

from contracts.messages.base import Command, Failed, Succeeded
from contracts.messages.values import CustomerId, OrderId


@dataclass(frozen=True, kw_only=True)
class PromotionApplied(Succeeded):
    """One use of the code is taken by the order."""

    order_id: OrderId
    code: str


@dataclass(frozen=True, kw_only=True)
class PromotionRefused(Failed):
    """The order takes no use: the code is used up, over, or not for this customer."""

    order_id: OrderId
    code: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class PromotionWithdrawn(Succeeded):
    """The order takes no use of any code, and will not."""

    order_id: OrderId


@dataclass(frozen=True, kw_only=True)
class ApplyPromotion(Command[PromotionApplied | PromotionRefused], to="promotions"):
    """Take one use of the code, within its total limit and its limit for each customer."""

    order_id: OrderId
    customer_id: CustomerId
    code: str


@dataclass(frozen=True, kw_only=True)
class WithdrawPromotion(Command[PromotionWithdrawn], to="promotions"):
    """Give the use back. Undoes `ApplyPromotion`; may come before it."""

    order_id: OrderId
