"""What the order saga remembers, and how it fills each command from that."""

from dataclasses import dataclass, replace
from datetime import datetime

from contracts.messages.base import Result
from contracts.messages.fraud import CheckFraud
from contracts.messages.inventory import (
    CommitInventory,
    InventoryBackordered,
    InventoryCommittedInParcels,
    InventoryPartiallyReserved,
    InventoryReserved,
    InventoryReservedInPart,
    ReleaseInventory,
    ReserveInventory,
    Short,
)
from contracts.messages.loyalty import RedeemPoints, RestorePoints
from contracts.messages.orders import (
    AdjustOrder,
    ConfirmOrder,
    CreateOrder,
    OrderAdjusted,
    OrderConfirmed,
    RejectOrder,
)
from contracts.messages.parcels import QueryParcels, ShipParcels
from contracts.messages.payable import Payable
from contracts.messages.payments import (
    AuthorizePayment,
    CapturePayment,
    ClosePayment,
    QueryPayment,
    VoidPayment,
)
from contracts.messages.promotions import ApplyPromotion, WithdrawPromotion
from contracts.messages.shipping import QueryShipping, StartShipping
from contracts.messages.values import ContactId, CustomerId, Line, OrderId, Parcel
from orchestrator.core.definition import Undoing, learned


@dataclass(frozen=True, kw_only=True)
class Order:
    """One order. Names and addresses stay with `users`; `contact_id` refers to them."""

    order_id: OrderId
    customer_id: CustomerId
    contact_id: ContactId
    lines: tuple[Line, ...]
    payable: Payable
    short: Short
    promotion_code: str
    ship_country: str
    card_country: str
    payment_method: str
    payment_token: str
    speed: str
    placed_at: datetime | None = None
    reserved: tuple[Line, ...] | None = learned(
        InventoryPartiallyReserved, InventoryReservedInPart, InventoryBackordered
    )
    adjusted: Payable | None = learned(OrderAdjusted)
    parcels: tuple[Parcel, ...] | None = learned(InventoryCommittedInParcels)
    reason: str | None = learned(Undoing)
    cancelled: bool | None = learned(Undoing)

    def learn(self, fact: Result | Undoing) -> "Order":
        """What the order remembers of a result."""
        match fact:
            case (
                InventoryPartiallyReserved(lines=lines)
                | InventoryReservedInPart(lines=lines)
                | InventoryBackordered(lines=lines)
            ):
                return replace(self, reserved=lines)
            case InventoryReserved() if self.is_short():  # the rest has come in
                return replace(self, reserved=None)
            case OrderAdjusted(payable=payable):
                return replace(self, adjusted=payable)
            case InventoryCommittedInParcels(parcels=parcels):
                return replace(self, parcels=parcels)
            case Undoing(reason=reason, cancelled=cancelled):
                return replace(self, reason=reason, cancelled=cancelled)
            case _:
                return self

    @property
    def held(self) -> tuple[Line, ...]:
        """The lines it is for."""
        return self.lines if self.reserved is None else self.reserved

    @property
    def costs(self) -> Payable:
        """What it costs."""
        return self.adjusted or self.payable

    def has_promotion(self) -> bool:
        """Whether a code was given."""
        return bool(self.promotion_code)

    def is_short(self) -> bool:
        """Whether some of it is missing."""
        return self.reserved is not None

    def has_points(self) -> bool:
        """Whether points pay for some of it."""
        return self.costs.points > 0

    def has_payable(self) -> bool:
        """Whether there is anything to pay."""
        return self.costs.total.amount > 0

    def has_parcels(self) -> bool:
        """Whether it is sent in several parcels."""
        return self.parcels is not None

    def is_one_parcel(self) -> bool:
        """Whether it is sent as one parcel."""
        return not self.has_parcels()

    def pays_at_once(self) -> bool:
        """Whether there is something to pay, all of it with the one parcel."""
        return self.has_payable() and self.is_one_parcel()

    def pays_in_parts(self) -> bool:
        """Whether there is something to pay, a part with each parcel."""
        return self.has_payable() and self.has_parcels()

    def create(self) -> CreateOrder:
        """Write the order down."""
        return CreateOrder(
            order_id=self.order_id,
            customer_id=self.customer_id,
            lines=self.lines,
            payable=self.payable,
        )

    def reject(self) -> RejectOrder:
        """Mark it rejected or cancelled, and say why."""
        return RejectOrder(
            order_id=self.order_id,
            customer_id=self.customer_id,
            contact_id=self.contact_id,
            reason=self.reason or "",
            cancelled=bool(self.cancelled),
        )

    def check_fraud(self) -> CheckFraud:
        """Have it judged."""
        return CheckFraud(
            order_id=self.order_id,
            customer_id=self.customer_id,
            amount=self.payable.total,
            ship_country=self.ship_country,
            card_country=self.card_country,
            payment_token=self.payment_token,
        )

    def reserve(self) -> ReserveInventory:
        """Hold its stock."""
        return ReserveInventory(order_id=self.order_id, lines=self.lines, short=self.short)

    def release(self) -> ReleaseInventory:
        """Give its stock back."""
        return ReleaseInventory(order_id=self.order_id)

    def apply_promotion(self) -> ApplyPromotion:
        """Take a use of its code."""
        return ApplyPromotion(
            order_id=self.order_id, customer_id=self.customer_id, code=self.promotion_code
        )

    def withdraw_promotion(self) -> WithdrawPromotion:
        """Give the use back."""
        return WithdrawPromotion(order_id=self.order_id)

    def adjust(self) -> AdjustOrder:
        """Let it be for what is there."""
        return AdjustOrder(order_id=self.order_id, lines=self.held)

    def redeem(self) -> RedeemPoints:
        """Take its points."""
        return RedeemPoints(
            order_id=self.order_id, customer_id=self.customer_id, points=self.costs.points
        )

    def restore_points(self) -> RestorePoints:
        """Give the points back."""
        return RestorePoints(order_id=self.order_id)

    def authorize(self) -> AuthorizePayment:
        """Hold the money."""
        return AuthorizePayment(
            order_id=self.order_id,
            amount=self.costs.total,
            method=self.payment_method,
            token=self.payment_token,
        )

    def void(self) -> VoidPayment:
        """Let go of the money."""
        return VoidPayment(order_id=self.order_id)

    def commit_stock(self) -> CommitInventory:
        """Keep its stock for good."""
        return CommitInventory(order_id=self.order_id, lines=self.held)

    def capture(self) -> CapturePayment:
        """Take the money."""
        return CapturePayment(order_id=self.order_id, amount=self.costs.total)

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
            lines=self.held,
            total=self.costs.total,
            placed_at=self.placed_at,
        )

    def ship(self) -> StartShipping:
        """Hand it to a carrier."""
        return StartShipping(
            order_id=self.order_id,
            contact_id=self.contact_id,
            lines=self.held,
            speed=self.speed,
        )

    def ship_parcels(self) -> ShipParcels:
        """Send each of its parcels by a saga of its own."""
        return ShipParcels(
            order_id=self.order_id,
            contact_id=self.contact_id,
            speed=self.speed,
            parcels=self.parcels or (),
        )

    def query_parcels(self) -> QueryParcels:
        """Find out about the parcels."""
        return QueryParcels(order_id=self.order_id, count=len(self.parcels or ()))

    def close_payment(self) -> ClosePayment:
        """Let go of what no parcel took."""
        return ClosePayment(order_id=self.order_id)

    def query_shipping(self) -> QueryShipping:
        """Find out about the parcel."""
        return QueryShipping(order_id=self.order_id)
