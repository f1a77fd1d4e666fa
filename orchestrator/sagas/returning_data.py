"""What a return remembers, and how it fills each command from that."""

from dataclasses import dataclass, replace

from contracts.messages.base import Result
from contracts.messages.payments import ApproveRefund, QueryRefund, RefundPayment
from contracts.messages.returns import (
    CompleteReturn,
    ReceiveReturn,
    RefundRequested,
    RegisterReturn,
    ReturnAccepted,
    ReturnExpected,
    ReturnLine,
    WithdrawReturn,
)
from contracts.messages.values import Money, OrderId
from orchestrator.core.definition import Undoing, learned


@dataclass(frozen=True, kw_only=True)
class Return:
    """One return of an order; without lines it is for all that is left of it, the `goods`. What was
    `missing` when the order was picked is returned without having been sent."""

    order_id: OrderId
    return_id: str
    asked_by: str
    lines: tuple[ReturnLine, ...]
    received: bool
    missing: bool
    amount: Money | None = learned(ReturnAccepted, ReturnExpected)
    goods: tuple[ReturnLine, ...] | None = learned(ReturnAccepted, ReturnExpected)

    def learn(self, fact: Result | Undoing) -> "Return":
        """What comes back, and what is to be given for it."""
        match fact:
            case ReturnAccepted() | ReturnExpected():
                return replace(self, amount=fact.amount, goods=fact.lines)
            case _:
                return self

    @property
    def due(self) -> Money:
        """What is to be given back, once it is known."""
        return self.amount or Money(amount=0, currency="")

    def has_amount(self) -> bool:
        """Whether there is money to give back."""
        return self.due.amount > 0

    def register(self) -> RegisterReturn:
        """Take the lines back."""
        return RegisterReturn(
            order_id=self.order_id,
            return_id=self.return_id,
            lines=self.lines,
            received=self.received or self.missing,
            missing=self.missing,
        )

    def withdraw(self) -> WithdrawReturn:
        """Forget it."""
        return WithdrawReturn(order_id=self.order_id, return_id=self.return_id)

    def approve(self) -> ApproveRefund:
        """Have the amount judged."""
        return ApproveRefund(order_id=self.order_id, refund_id=self.return_id, amount=self.due)

    def receive(self) -> ReceiveReturn:
        """Put the goods on hand, or write them off."""
        return ReceiveReturn(
            order_id=self.order_id,
            return_id=self.return_id,
            lines=self.goods or (),
            missing=self.missing,
        )

    def requested(self) -> RefundRequested:
        """What everybody is told."""
        return RefundRequested(order_id=self.order_id, return_id=self.return_id, amount=self.due)

    def refund(self) -> RefundPayment:
        """Give the money back."""
        return RefundPayment(order_id=self.order_id, refund_id=self.return_id, amount=self.due)

    def query_refund(self) -> QueryRefund:
        """Find out about the money."""
        return QueryRefund(order_id=self.order_id, refund_id=self.return_id)

    def complete(self) -> CompleteReturn:
        """Write down that it is through."""
        return CompleteReturn(order_id=self.order_id, return_id=self.return_id)
