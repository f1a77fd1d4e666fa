"""What is said to and by `shipping`, which chooses the carrier and hands it the parcel."""

from dataclasses import dataclass

from contracts.messages.base import Command, Failed, Succeeded, Unknown
from contracts.messages.values import ContactId, Line, OrderId


@dataclass(frozen=True, kw_only=True)
class ShippingRequested(Succeeded, public=True):
    """The carrier has taken the parcel under this tracking number."""

    order_id: OrderId
    carrier: str
    tracking: str


@dataclass(frozen=True, kw_only=True)
class ShippingRefused(Failed):
    """The carrier certainly did not take the parcel."""

    order_id: OrderId
    reason: str


@dataclass(frozen=True, kw_only=True)
class ShippingStatusUnknown(Unknown):
    """The carrier did not say; the parcel may or may not be on its way."""

    order_id: OrderId
    reason: str


@dataclass(frozen=True, kw_only=True)
class StartShipping(
    Command[ShippingRequested | ShippingRefused | ShippingStatusUnknown], to="shipping"
):
    """Hand the order to a carrier. The address is fetched by reference."""

    order_id: OrderId
    contact_id: ContactId
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True)
class QueryShipping(
    Command[ShippingRequested | ShippingRefused | ShippingStatusUnknown],
    to="shipping",
    effect=False,
):
    """Find out whether the carrier has the parcel of this order."""

    order_id: OrderId
