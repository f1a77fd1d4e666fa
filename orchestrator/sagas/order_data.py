"""What the order saga remembers, and how it fills each command from that."""

from dataclasses import dataclass, replace

from contracts.messages.base import Result
from contracts.messages.inventory import ReleaseInventory, ReserveInventory
from contracts.messages.orders import CancelOrder, ConfirmOrder, CreateOrder, OrderConfirmed
from contracts.messages.payments import (
    AuthorizePayment,
    CapturePayment,
    PaymentAuthorized,
    QueryPayment,
    VoidPayment,
)
from contracts.messages.shipping import QueryShipping, ShippingRequested, StartShipping
from contracts.messages.values import ContactId, CustomerId, Line, Money, OrderId
from orchestrator.core.definition import Undoing, learned


@dataclass(frozen=True, kw_only=True)
class Order:
    """One order. Names and addresses stay with `users`; `contact_id` refers to them."""

    order_id: OrderId
    customer_id: CustomerId
    contact_id: ContactId
    lines: tuple[Line, ...]
    total: Money
    payment_method: str
    payment_token: str
    authorization: str | None = learned(PaymentAuthorized)
    tracking: str | None = learned(ShippingRequested)
    reason: str | None = learned(Undoing)

    def learn(self, fact: Result | Undoing) -> "Order":
        """What the order remembers of a result."""
        match fact:
            case PaymentAuthorized(reference=reference):
                return replace(self, authorization=reference)
            case ShippingRequested(tracking=tracking):
                return replace(self, tracking=tracking)
            case Undoing(reason=reason):
                return replace(self, reason=reason)
            case _:
                return self

    def has_payable(self) -> bool:
        """Whether there is anything to pay."""
        return self.total.amount > 0

    def create(self) -> CreateOrder:
        """Write the order down."""
        return CreateOrder(
            order_id=self.order_id,
            customer_id=self.customer_id,
            lines=self.lines,
            total=self.total,
        )

    def cancel(self) -> CancelOrder:
        """Mark it rejected, and say why."""
        return CancelOrder(order_id=self.order_id, reason=self.reason or "")

    def reserve(self) -> ReserveInventory:
        """Hold its stock."""
        return ReserveInventory(order_id=self.order_id, lines=self.lines)

    def release(self) -> ReleaseInventory:
        """Give its stock back."""
        return ReleaseInventory(order_id=self.order_id)

    def authorize(self) -> AuthorizePayment:
        """Hold the money."""
        return AuthorizePayment(
            order_id=self.order_id,
            amount=self.total,
            method=self.payment_method,
            token=self.payment_token,
        )

    def void(self) -> VoidPayment:
        """Let go of the money."""
        return VoidPayment(order_id=self.order_id)

    def capture(self) -> CapturePayment:
        """Take the money."""
        return CapturePayment(order_id=self.order_id, amount=self.total)

    def query_payment(self) -> QueryPayment:
        """Find out about the money."""
        return QueryPayment(order_id=self.order_id)

    def confirm(self) -> ConfirmOrder:
        """Decide for the order."""
        return ConfirmOrder(order_id=self.order_id)

    def confirmed(self) -> OrderConfirmed:
        """What everybody is told."""
        return OrderConfirmed(
            order_id=self.order_id,
            customer_id=self.customer_id,
            contact_id=self.contact_id,
            lines=self.lines,
            total=self.total,
        )

    def ship(self) -> StartShipping:
        """Hand it to a carrier."""
        return StartShipping(order_id=self.order_id, contact_id=self.contact_id, lines=self.lines)

    def query_shipping(self) -> QueryShipping:
        """Find out about the parcel."""
        return QueryShipping(order_id=self.order_id)
