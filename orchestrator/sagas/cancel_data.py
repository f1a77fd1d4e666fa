"""What the cancelling of an order remembers, and how it fills each command from that."""

from dataclasses import dataclass

from contracts.messages.base import Result
from contracts.messages.inventory import ReleaseInventory
from contracts.messages.loyalty import RestorePoints
from contracts.messages.payments import ApproveRefund, QueryRefund, ReturnPayment
from contracts.messages.promotions import WithdrawPromotion
from contracts.messages.returns import CancelOrder, LockOrder, UnlockOrder
from contracts.messages.shipping import QueryShipping, StopShipping
from contracts.messages.values import Money, OrderId
from orchestrator.core.definition import Undoing

REFUND = "cancel"


@dataclass(frozen=True, kw_only=True)
class Cancel:
    """The cancelling of one order: who wants it and why, and what the order took that must be given
    back."""

    order_id: OrderId
    asked_by: str
    reason: str
    amount: Money
    promotion: bool
    points: bool

    def learn(self, fact: Result | Undoing) -> "Cancel":
        """There is nothing to learn."""
        return self

    def has_promotion(self) -> bool:
        """Whether the order took a use of a code."""
        return self.promotion

    def has_amount(self) -> bool:
        """Whether there was anything to pay."""
        return self.amount.amount > 0

    def has_points(self) -> bool:
        """Whether the order took points."""
        return self.points

    def lock(self) -> LockOrder:
        """Let nothing else begin with the order."""
        return LockOrder(order_id=self.order_id)

    def unlock(self) -> UnlockOrder:
        """Let the order be."""
        return UnlockOrder(order_id=self.order_id)

    def stop_shipping(self) -> StopShipping:
        """Decide: nothing is sent any more, or it is too late."""
        return StopShipping(order_id=self.order_id)

    def query_shipping(self) -> QueryShipping:
        """Find out about the parcel."""
        return QueryShipping(order_id=self.order_id)

    def approve(self) -> ApproveRefund:
        """Have the amount judged."""
        return ApproveRefund(order_id=self.order_id, refund_id=REFUND, amount=self.amount)

    def return_payment(self) -> ReturnPayment:
        """Give all of the money back."""
        return ReturnPayment(order_id=self.order_id, refund_id=REFUND)

    def query_refund(self) -> QueryRefund:
        """Find out about the money."""
        return QueryRefund(order_id=self.order_id, refund_id=REFUND)

    def release(self) -> ReleaseInventory:
        """Give the stock back."""
        return ReleaseInventory(order_id=self.order_id)

    def withdraw_promotion(self) -> WithdrawPromotion:
        """Give the use back."""
        return WithdrawPromotion(order_id=self.order_id)

    def restore_points(self) -> RestorePoints:
        """Give the points back."""
        return RestorePoints(order_id=self.order_id)

    def cancel(self) -> CancelOrder:
        """Mark the order cancelled, and say why."""
        return CancelOrder(order_id=self.order_id, reason=self.reason)
