"""What is said to and by `inventory`, the owner of stock."""

from dataclasses import dataclass
from typing import Literal

from contracts.messages.base import Command, Failed, Succeeded
from contracts.messages.values import Line, OrderId, Parcel, Sku

Short = Literal["reject", "ask", "ship", "backorder"]


@dataclass(frozen=True, kw_only=True)
class InventoryReserved(Succeeded):
    """Every line of the order is held for it."""

    order_id: OrderId


@dataclass(frozen=True, kw_only=True)
class InventoryPartiallyReserved(Succeeded):
    """Only `lines` are held; whether the order goes on without the rest is for a person to say."""

    order_id: OrderId
    lines: tuple[Line, ...]
    missing: tuple[Sku, ...]


@dataclass(frozen=True, kw_only=True)
class InventoryReservedInPart(Succeeded):
    """Only `lines` are held, and the customer wants the order without the rest."""

    order_id: OrderId
    lines: tuple[Line, ...]
    missing: tuple[Sku, ...]


@dataclass(frozen=True, kw_only=True)
class InventoryBackordered(Succeeded):
    """Only `lines` are held, and the customer waits for the rest: when the last of it has come in,
    `InventoryReserved` answers the same command."""

    order_id: OrderId
    lines: tuple[Line, ...]
    missing: tuple[Sku, ...]


@dataclass(frozen=True, kw_only=True)
class InventoryReservationFailed(Failed):
    """Nothing is held; `missing` names the stock-keeping units that fell short."""

    order_id: OrderId
    missing: tuple[Sku, ...]
    reason: str


@dataclass(frozen=True, kw_only=True)
class InventoryCommitted(Succeeded):
    """What is held is the order's for good, and leaves as one parcel."""

    order_id: OrderId


@dataclass(frozen=True, kw_only=True)
class InventoryCommittedInParcels(Succeeded):
    """What is held is the order's for good, and leaves as several parcels."""

    order_id: OrderId
    parcels: tuple[Parcel, ...]


@dataclass(frozen=True, kw_only=True)
class InventoryHoldExpired(Failed):
    """What was held is held no more, and cannot be had again."""

    order_id: OrderId
    reason: str


@dataclass(frozen=True, kw_only=True)
class InventoryReleased(Succeeded):
    """Nothing is held for the order any more, and nothing will be."""

    order_id: OrderId


@dataclass(frozen=True, kw_only=True)
class ReserveInventory(
    Command[
        InventoryReserved
        | InventoryPartiallyReserved
        | InventoryReservedInPart
        | InventoryBackordered
        | InventoryReservationFailed
    ],
    to="inventory",
):
    """Hold stock for every line of the order. A SKU may stand in several lines.

    `short` is what the customer wants when some is missing: nothing (reject), to be asked (ask),
    what is there (ship), or all of it when it has come in (backorder).
    """

    order_id: OrderId
    lines: tuple[Line, ...]
    short: Short


@dataclass(frozen=True, kw_only=True)
class CommitInventory(
    Command[InventoryCommitted | InventoryCommittedInParcels | InventoryHoldExpired],
    to="inventory",
    effect=False,
):
    """Keep what is held for these lines for good: from now on it is shipped or released. Nothing
    has to be undone: what releases the hold ends this too."""

    order_id: OrderId
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True)
class ReleaseInventory(Command[InventoryReleased], to="inventory"):
    """Give back what was reserved (not what was ordered). May come before its command."""

    order_id: OrderId
