"""What is said to and by `shipping`, which chooses the carrier and hands it the parcel.

`parcel` is the number of one of several parcels of an order; 0 is the only one.
"""

from dataclasses import dataclass

from contracts.messages.base import Command, Event, Failed, Succeeded, Unknown
from contracts.messages.values import ContactId, Line, OrderId


@dataclass(frozen=True, kw_only=True)
class ShippingRequested(Succeeded, public=True):
    """The carrier has taken the parcel under this tracking number."""

    order_id: OrderId
    carrier: str
    tracking: str
    parcel: int = 0


@dataclass(frozen=True, kw_only=True)
class ShippingRefused(Failed):
    """The carrier certainly did not take the parcel."""

    order_id: OrderId
    reason: str


@dataclass(frozen=True, kw_only=True)
class ShippingStopped(Succeeded):
    """Nothing of the order is sent, and nothing will be."""

    order_id: OrderId


@dataclass(frozen=True, kw_only=True)
class ShippingTooLate(Failed):
    """The parcel is on its way already, under this tracking number."""

    order_id: OrderId
    tracking: str


@dataclass(frozen=True, kw_only=True)
class ShippingStatusUnknown(Unknown):
    """The carrier did not say; the parcel may or may not be on its way."""

    order_id: OrderId
    reason: str


@dataclass(frozen=True, kw_only=True)
class StartShipping(
    Command[ShippingRequested | ShippingStopped | ShippingRefused | ShippingStatusUnknown],
    to="shipping",
):
    """Hand the order, or one of its parcels, to a carrier. The address is fetched by reference;
    `speed` is what was wished for (cheapest, fastest, or empty)."""

    order_id: OrderId
    contact_id: ContactId
    lines: tuple[Line, ...]
    speed: str
    parcel: int = 0


@dataclass(frozen=True, kw_only=True)
class StopShipping(
    Command[ShippingStopped | ShippingTooLate | ShippingStatusUnknown], to="shipping"
):
    """Let nothing be sent any more, unless it is on its way. May come before `StartShipping`."""

    order_id: OrderId


@dataclass(frozen=True, kw_only=True)
class QueryShipping(
    Command[
        ShippingRequested
        | ShippingStopped
        | ShippingTooLate
        | ShippingRefused
        | ShippingStatusUnknown
    ],
    to="shipping",
    effect=False,
):
    """Find out whether the carrier has the parcel of this order."""

    order_id: OrderId
    parcel: int = 0


@dataclass(frozen=True, kw_only=True)
class OrderShipped(Event, by="shipping"):
    """The carrier has the parcel on its way."""

    order_id: OrderId
    carrier: str
    tracking: str
    parcel: int = 0


@dataclass(frozen=True, kw_only=True)
class OrderDelivered(Event, by="shipping"):
    """The parcel has arrived."""

    order_id: OrderId
    carrier: str
    tracking: str
    parcel: int = 0


@dataclass(frozen=True, kw_only=True)
class ParcelLost(Event, by="shipping"):
    """The carrier has lost the parcel; a person has to decide what the customer gets."""

    order_id: OrderId
    carrier: str
    tracking: str
    parcel: int = 0
