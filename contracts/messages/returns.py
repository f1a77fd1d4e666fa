"""What is said when a confirmed order is cancelled, or sent back in whole or in part."""

from dataclasses import dataclass

from contracts.messages.base import Command, Event, Failed, Predecessor, Succeeded
from contracts.messages.orders import OrderCancelled, confirmation
from contracts.messages.values import CustomerId, Money, OrderId, Sku


@dataclass(frozen=True, kw_only=True)
class ReturnLine:
    """So many units of a SKU that are sent back."""

    sku: Sku
    quantity: int


@dataclass(frozen=True, kw_only=True)
class OrderLocked(Succeeded):
    """The order is being cancelled; nothing else is begun with it."""

    order_id: OrderId


@dataclass(frozen=True, kw_only=True)
class OrderNotLocked(Failed):
    """The order cannot be cancelled, and why."""

    order_id: OrderId
    reason: str


@dataclass(frozen=True, kw_only=True)
class OrderUnlocked(Succeeded):
    """The order is not being cancelled any more."""

    order_id: OrderId


@dataclass(frozen=True, kw_only=True)
class LockOrder(Command[OrderLocked | OrderNotLocked], to="orders"):
    """Begin to cancel a confirmed order: a semantic lock (Garcia-Molina & Salem 1987; Richardson,
    *Microservices Patterns*, 4.3.2)."""

    order_id: OrderId


@dataclass(frozen=True, kw_only=True)
class UnlockOrder(Command[OrderUnlocked], to="orders"):
    """Let the order be as it was. Undoes `LockOrder`; may come before it."""

    order_id: OrderId


@dataclass(frozen=True, kw_only=True)
class CancelOrder(Command[OrderCancelled], to="orders"):
    """The locked order is cancelled, for good."""

    order_id: OrderId
    reason: str


@dataclass(frozen=True, kw_only=True)
class ReturnAccepted(Succeeded):
    """The goods are back, or were never sent; so much money and so many points are to be given back
    for them."""

    order_id: OrderId
    return_id: str
    lines: tuple[ReturnLine, ...]
    amount: Money
    points: int


@dataclass(frozen=True, kw_only=True)
class ReturnExpected(Succeeded):
    """The goods are to come; what is to be given back once they have."""

    order_id: OrderId
    return_id: str
    lines: tuple[ReturnLine, ...]
    amount: Money
    points: int


@dataclass(frozen=True, kw_only=True)
class ReturnRefused(Failed):
    """These lines cannot be sent back, and why."""

    order_id: OrderId
    return_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ReturnWithdrawn(Succeeded):
    """This return counts no more."""

    order_id: OrderId
    return_id: str


@dataclass(frozen=True, kw_only=True)
class RegisterReturn(Command[ReturnAccepted | ReturnExpected | ReturnRefused], to="orders"):
    """Take these lines of a shipped order back, or all that is left of it if none are named;
    `received` when the goods are back already, `missing` when they were never found to be sent."""

    order_id: OrderId
    return_id: str
    lines: tuple[ReturnLine, ...]
    received: bool
    missing: bool = False


@dataclass(frozen=True, kw_only=True)
class WithdrawReturn(Command[ReturnWithdrawn], to="orders"):
    """Forget the return. Undoes `RegisterReturn`; may come before it."""

    order_id: OrderId
    return_id: str


@dataclass(frozen=True, kw_only=True)
class OrderRefunded(Succeeded, public=True):
    """Lines of the order are sent back, and paid back: the amount, and points."""

    order_id: OrderId
    customer_id: CustomerId
    return_id: str
    amount: Money
    points: int

    def follows(self) -> Predecessor:
        """Nobody shows a refund before the confirmation."""
        return confirmation(self.order_id)


@dataclass(frozen=True, kw_only=True)
class CompleteReturn(Command[OrderRefunded], to="orders"):
    """The return is through."""

    order_id: OrderId
    return_id: str


@dataclass(frozen=True, kw_only=True)
class ReturnReceived(Succeeded):
    """The returned units are on hand again, or written off if they are missing."""

    order_id: OrderId
    return_id: str


@dataclass(frozen=True, kw_only=True)
class ReceiveReturn(Command[ReturnReceived], to="inventory"):
    """Put the units that came back on hand; write them off if they are missing."""

    order_id: OrderId
    return_id: str
    lines: tuple[ReturnLine, ...]
    missing: bool = False


@dataclass(frozen=True, kw_only=True)
class RefundRequested(Event, by="orchestrator"):
    """The goods are back, or were missing, and the customer gets the amount."""

    order_id: OrderId
    return_id: str
    amount: Money
