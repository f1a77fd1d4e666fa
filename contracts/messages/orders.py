"""What is said to and by `orders`, the keeper of each order and of its public status."""

from dataclasses import dataclass
from datetime import datetime

from contracts.messages.base import Command, Event, Failed, Predecessor, Succeeded
from contracts.messages.payable import Payable
from contracts.messages.values import (
    ContactId,
    CustomerId,
    Line,
    MessageId,
    Money,
    OrderId,
    derived,
    saga_id_of,
)


@dataclass(frozen=True, kw_only=True)
class OrderCreated(Succeeded, public=True):
    """The order stands, pending."""

    order_id: OrderId
    customer_id: CustomerId
    total: Money


@dataclass(frozen=True, kw_only=True)
class OrderRejected(Succeeded, public=True):
    """The order stands as rejected; it was never confirmed."""

    order_id: OrderId
    customer_id: CustomerId
    contact_id: ContactId
    reason: str


@dataclass(frozen=True, kw_only=True)
class OrderAdjusted(Succeeded):
    """The order is for these lines only, and costs accordingly."""

    order_id: OrderId
    payable: Payable


@dataclass(frozen=True, kw_only=True)
class OrderCancelled(Succeeded, public=True):
    """The order stands as cancelled; `confirmed` when it had been confirmed before."""

    order_id: OrderId
    reason: str
    confirmed: bool

    def follows(self) -> Predecessor | None:
        """Nobody shows a cancellation before the confirmation."""
        return confirmation(self.order_id) if self.confirmed else None


@dataclass(frozen=True, kw_only=True)
class OrderAccepted(Succeeded):
    """The order is confirmed for good."""

    order_id: OrderId


@dataclass(frozen=True, kw_only=True)
class OrderNotAccepted(Failed):
    """The order was not confirmed, and will not be."""

    order_id: OrderId
    reason: str


@dataclass(frozen=True, kw_only=True)
class CreateOrder(Command[OrderCreated], to="orders"):
    """Write the order down as pending."""

    order_id: OrderId
    customer_id: CustomerId
    lines: tuple[Line, ...]
    payable: Payable


@dataclass(frozen=True, kw_only=True)
class AdjustOrder(Command[OrderAdjusted], to="orders", effect=False):
    """Let the order be for these lines only, and say what it costs then. Nothing has to be undone:
    what rejects the order ends this too."""

    order_id: OrderId
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True)
class RejectOrder(Command[OrderRejected | OrderCancelled], to="orders"):
    """Mark the order rejected, or cancelled if its customer wanted that. Undoes `CreateOrder`; may
    come before it."""

    order_id: OrderId
    customer_id: CustomerId
    contact_id: ContactId
    reason: str
    cancelled: bool


@dataclass(frozen=True, kw_only=True)
class ConfirmOrder(Command[OrderAccepted | OrderNotAccepted], to="orders"):
    """Confirm the order. The pivot: after it there is no way back but a refund."""

    order_id: OrderId


@dataclass(frozen=True, kw_only=True)
class OrderConfirmed(Event, by="orchestrator"):
    """The order is confirmed. Carries references only; who needs the address fetches it.

    `placed_at` is set for a past order, which was placed before it was submitted here.
    """

    order_id: OrderId
    customer_id: CustomerId
    contact_id: ContactId
    lines: tuple[Line, ...]
    total: Money
    placed_at: datetime | None = None


def confirmation(order_id: OrderId) -> Predecessor:
    """The confirmation of that order; its id follows from the order's, as the runner makes it."""
    key = derived(saga_id_of(order_id), OrderConfirmed.wire_type, "")
    return Predecessor(OrderConfirmed, MessageId(key))
