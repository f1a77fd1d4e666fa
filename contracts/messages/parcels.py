"""What is said of the parcels of an order that is sent in several: each is a saga of its own.

`orders` fixes what each costs, `inventory` picks it, and the orchestrator, which is a service like
any other, ships them all and tells the order's saga when the last has ended.
"""

from dataclasses import dataclass

from contracts.messages.base import Command, Failed, Succeeded, Unknown
from contracts.messages.returns import OrderRefunded
from contracts.messages.values import ContactId, Line, Money, OrderId, Parcel


@dataclass(frozen=True, kw_only=True)
class ParcelsClosed(Succeeded):
    """Every parcel of the order has ended: it is sent, or it is one of those `given_up`, for which
    nothing is kept."""

    order_id: OrderId
    given_up: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class ParcelsUnderWay(Unknown):
    """Some parcels have not ended; `reason` says which, and where they are."""

    order_id: OrderId
    reason: str


@dataclass(frozen=True, kw_only=True)
class ShipParcels(Command[ParcelsClosed | ParcelsUnderWay], to="orchestrator"):
    """Send each parcel of a confirmed order by a saga of its own, numbered from 1."""

    order_id: OrderId
    contact_id: ContactId
    speed: str
    parcels: tuple[Parcel, ...]


@dataclass(frozen=True, kw_only=True)
class QueryParcels(Command[ParcelsClosed | ParcelsUnderWay], to="orchestrator", effect=False):
    """Find out where the parcels of the order are; `count` is how many there are."""

    order_id: OrderId
    count: int


@dataclass(frozen=True, kw_only=True)
class ParcelOpened(Succeeded):
    """The order knows its parcel, whose part of the payable is `amount`."""

    order_id: OrderId
    parcel: int
    amount: Money


@dataclass(frozen=True, kw_only=True)
class ParcelNotOpened(Failed):
    """The parcel was given up before it was opened."""

    order_id: OrderId
    parcel: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class OpenParcel(Command[ParcelOpened | ParcelNotOpened], to="orders"):
    """Fix what this parcel of the order costs: its part of what is not in another one yet, so that
    all add up to the payable; it is one `of` so many."""

    order_id: OrderId
    parcel: int
    of: int
    warehouse: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True)
class ParcelForgotten(Succeeded):
    """Nothing is paid back for the parcel: it was never opened, and will not be, or its order was
    cancelled, which gives all of it back."""

    order_id: OrderId
    parcel: int


@dataclass(frozen=True, kw_only=True)
class GiveUpParcel(Command[OrderRefunded | ParcelForgotten], to="orders"):
    """The parcel is not sent: its lines count as paid back, points too. Undoes `OpenParcel`; may
    come before it."""

    order_id: OrderId
    parcel: int


@dataclass(frozen=True, kw_only=True)
class ParcelPicked(Succeeded):
    """The units of the parcel are set apart."""

    order_id: OrderId
    parcel: int


@dataclass(frozen=True, kw_only=True)
class ParcelNotPicked(Failed):
    """The units of the parcel are not there, and why."""

    order_id: OrderId
    parcel: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class PickParcel(Command[ParcelPicked | ParcelNotPicked], to="inventory"):
    """Set these units apart among what the order holds; they are what leaves with this parcel."""

    order_id: OrderId
    parcel: int
    warehouse: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True)
class ParcelPutBack(Succeeded):
    """The units of the parcel are on hand again."""

    order_id: OrderId
    parcel: int


@dataclass(frozen=True, kw_only=True)
class PutParcelBack(Command[ParcelPutBack], to="inventory"):
    """Release these units, which the order holds for the parcel. Undoes `PickParcel`; may come
    before it."""

    order_id: OrderId
    parcel: int
    warehouse: str
    lines: tuple[Line, ...]
