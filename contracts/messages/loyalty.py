"""What is said to and by `loyalty`, the owner of every customer's points.

A point pays one minor unit of the order's currency.
"""

from dataclasses import dataclass

from contracts.messages.base import Command, Failed, Succeeded
from contracts.messages.values import CustomerId, OrderId


@dataclass(frozen=True, kw_only=True)
class LoyaltyPointsApplied(Succeeded):
    """The points are taken from the customer for the order."""

    order_id: OrderId
    points: int


@dataclass(frozen=True, kw_only=True)
class LoyaltyPointsRefused(Failed):
    """No points are taken: the customer has fewer."""

    order_id: OrderId
    points: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class LoyaltyPointsRestored(Succeeded):
    """The order takes no points, and will not."""

    order_id: OrderId


@dataclass(frozen=True, kw_only=True)
class RedeemPoints(Command[LoyaltyPointsApplied | LoyaltyPointsRefused], to="loyalty"):
    """Take this many points from the customer, or none."""

    order_id: OrderId
    customer_id: CustomerId
    points: int


@dataclass(frozen=True, kw_only=True)
class RestorePoints(Command[LoyaltyPointsRestored], to="loyalty"):
    """Give the points back. Undoes `RedeemPoints`; may come before it."""

    order_id: OrderId
