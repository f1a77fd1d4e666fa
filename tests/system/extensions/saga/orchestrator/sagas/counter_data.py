"""What a swap remembers, and how it fills each command from that."""

from dataclasses import dataclass

from contracts.messages.base import Result
from contracts.messages.inventory import CommitInventory, ReleaseInventory, ReserveInventory
from contracts.messages.loyalty import RedeemPoints, RestorePoints
from contracts.messages.values import CustomerId, Line, OrderId
from orchestrator.core.definition import Undoing


@dataclass(frozen=True, kw_only=True)
class Swap:
    """One swap of points for goods."""

    order_id: OrderId
    customer_id: CustomerId
    points: int
    lines: tuple[Line, ...]

    def learn(self, fact: Result | Undoing) -> "Swap":
        """There is nothing to learn."""
        return self

    def redeem(self) -> RedeemPoints:
        """Take the points."""
        return RedeemPoints(
            order_id=self.order_id, customer_id=self.customer_id, points=self.points
        )

    def restore(self) -> RestorePoints:
        """Give them back."""
        return RestorePoints(order_id=self.order_id)

    def reserve(self) -> ReserveInventory:
        """Hold the goods, all or none."""
        return ReserveInventory(order_id=self.order_id, lines=self.lines, short="reject")

    def release(self) -> ReleaseInventory:
        """Let go of them."""
        return ReleaseInventory(order_id=self.order_id)

    def hand_over(self) -> CommitInventory:
        """They are the customer's."""
        return CommitInventory(order_id=self.order_id, lines=self.lines)
