"""What a parcel remembers, and how it fills each command from that."""

from dataclasses import dataclass, replace

from contracts.messages.base import Result
from contracts.messages.parcels import (
    GiveUpParcel,
    OpenParcel,
    ParcelOpened,
    PickParcel,
    PutParcelBack,
)
from contracts.messages.payments import CapturePayment, QueryCapture, ReturnPayment
from contracts.messages.shipping import QueryShipping, StartShipping
from contracts.messages.values import ContactId, Line, Money, OrderId
from orchestrator.core.definition import Undoing, learned


@dataclass(frozen=True, kw_only=True)
class ParcelSent:
    """One parcel of an order: number `number` `of` so many, the lines from one warehouse."""

    order_id: OrderId
    contact_id: ContactId
    number: int
    of: int
    warehouse: str
    lines: tuple[Line, ...]
    speed: str
    amount: Money | None = learned(ParcelOpened)

    def learn(self, fact: Result | Undoing) -> "ParcelSent":
        """What it costs."""
        match fact:
            case ParcelOpened(amount=amount):
                return replace(self, amount=amount)
            case _:
                return self

    @property
    def due(self) -> Money:
        """What is to be paid for it, once it is known."""
        return self.amount or Money(amount=0, currency="")

    @property
    def refund_id(self) -> str:
        """Names the refund of it among those of the order."""
        return f"parcel {self.number}"

    def has_amount(self) -> bool:
        """Whether there is anything to pay for it."""
        return self.due.amount > 0

    def open(self) -> OpenParcel:
        """Have its part of the payable fixed."""
        return OpenParcel(
            order_id=self.order_id,
            parcel=self.number,
            of=self.of,
            warehouse=self.warehouse,
            lines=self.lines,
        )

    def give_up(self) -> GiveUpParcel:
        """Let its lines count as paid back."""
        return GiveUpParcel(order_id=self.order_id, parcel=self.number)

    def pick(self) -> PickParcel:
        """Set its units apart."""
        return PickParcel(
            order_id=self.order_id,
            parcel=self.number,
            warehouse=self.warehouse,
            lines=self.lines,
        )

    def put_back(self) -> PutParcelBack:
        """Put its units back on hand."""
        return PutParcelBack(
            order_id=self.order_id,
            parcel=self.number,
            warehouse=self.warehouse,
            lines=self.lines,
        )

    def capture(self) -> CapturePayment:
        """Take its money."""
        return CapturePayment(order_id=self.order_id, amount=self.due, parcel=self.number)

    def return_payment(self) -> ReturnPayment:
        """Give its money back, and take none any more."""
        return ReturnPayment(
            order_id=self.order_id,
            refund_id=self.refund_id,
            parcel=self.number,
            amount=self.due,
        )

    def query_capture(self) -> QueryCapture:
        """Find out about its money."""
        return QueryCapture(order_id=self.order_id, parcel=self.number, refund_id=self.refund_id)

    def ship(self) -> StartShipping:
        """Hand it to a carrier."""
        return StartShipping(
            order_id=self.order_id,
            contact_id=self.contact_id,
            lines=self.lines,
            speed=self.speed,
            parcel=self.number,
        )

    def query_shipping(self) -> QueryShipping:
        """Find out where it is."""
        return QueryShipping(order_id=self.order_id, parcel=self.number)
