"""START HERE: what inventory does on each command, and what it does by itself."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from contracts.delivery.service import Rows, Service
from contracts.messages.inventory import (
    CommitInventory,
    InventoryBackordered,
    InventoryCommitted,
    InventoryCommittedInParcels,
    InventoryHoldExpired,
    InventoryPartiallyReserved,
    InventoryReleased,
    InventoryReservationFailed,
    InventoryReserved,
    InventoryReservedInPart,
    ReleaseInventory,
    ReserveInventory,
    Short,
)
from contracts.messages.returns import ReceiveReturn, ReturnReceived
from contracts.messages.shipping import ShippingRequested
from contracts.messages.values import Sku
from contracts.runtime.session import BatchSession
from participants.inventory import allocation, backorders, holds, parcels, stock
from participants.inventory.allocation import filled
from participants.inventory.tables import Reservation, Stock

inventory = Service("inventory")
EXPIRE_EVERY = timedelta(minutes=1)
FILL_EVERY = timedelta(seconds=1)
InPart = InventoryPartiallyReserved | InventoryReservedInPart | InventoryBackordered
Reserved = InventoryReserved | InPart
IN_PART: dict[Short, type[InPart]] = {
    "ship": InventoryReservedInPart,
    "backorder": InventoryBackordered,
}


def _reservations(messages: Sequence[Any]) -> Iterable[Rows]:
    return ((Reservation, {message.order_id for message in messages}),)


@inventory.handles(ReserveInventory, loads=holds.rows_of)
def reserve(
    command: ReserveInventory, session: BatchSession
) -> Reserved | InventoryReservationFailed:
    """Hold every line; where stock falls short, as much of each as there is, unless the customer
    wants all or nothing, or wait for it. An order that was released before holds nothing ever."""
    held = session.get(Reservation, command.order_id)
    if held and held.state == holds.RELEASED:
        return _failed(command, (), "released before it was reserved")
    if held and held.state in holds.ITS_OWN:
        return _reserved(command, holds.total(held.units))
    wanted = holds.units_of(command.lines)
    short = stock.missing(session, wanted)
    units = stock.available(session, wanted) if short else wanted
    if short and not _wanted_in_part(command, session, short, units):
        return _failed(command, short, "out of stock")
    holds.hold(session, command.order_id, units)
    if short and command.short == "backorder":
        lacking = {sku: wanted[sku] - units.get(sku, 0) for sku in short}
        backorders.wait_for(session, command.order_id, lacking)
    return _reserved(command, units)


@inventory.handles(CommitInventory, loads=_reservations)
def commit(
    command: CommitInventory, session: BatchSession
) -> InventoryCommitted | InventoryCommittedInParcels | InventoryHoldExpired:
    """What is held never expires any more; what is not held cannot be kept."""
    held = session.get(Reservation, command.order_id)
    if why_not := holds.keep(session, held, holds.units_of(command.lines)):
        return InventoryHoldExpired(order_id=command.order_id, reason=why_not)
    apart = allocation.parcels(command.lines, held.units)
    if len(apart) == 1:
        return InventoryCommitted(order_id=command.order_id)
    return InventoryCommittedInParcels(order_id=command.order_id, parcels=apart)


@inventory.handles(ReleaseInventory, loads=_reservations)
def release(command: ReleaseInventory, session: BatchSession) -> InventoryReleased:
    """Give back what is held; where nothing is, leave a tombstone for the late command."""
    held = session.get(Reservation, command.order_id)
    if held is None:
        session.add(holds.tombstone(command.order_id))
    elif held.state in holds.RESERVED:
        holds.load_units(session, held, *holds.RESERVED)
        holds.give_back(session, held)
    elif held.state == holds.EXPIRED:
        held.state = holds.RELEASED
    return InventoryReleased(order_id=command.order_id)


@inventory.on(ShippingRequested, loads=_reservations)
def ship(event: ShippingRequested, session: BatchSession) -> None:
    """What the carrier has taken is no longer held."""
    held = session.get(Reservation, event.order_id)
    if held and event.parcel:
        parcels.ship(session, held, event.parcel)
    elif held and held.state in holds.RESERVED:
        holds.load_units(session, held, *holds.RESERVED)
        holds.ship(session, held)


@inventory.handles(ReceiveReturn, loads=_reservations)
def take_back(command: ReceiveReturn, session: BatchSession) -> ReturnReceived:
    """What was sent has come back, so it was sent, even if nobody has told so yet; what was missing
    when it was to be sent is gone from where it stood."""
    sent = session.get(Reservation, command.order_id)
    if sent and sent.state in holds.ITS_OWN:
        holds.load_units(session, sent, *holds.ITS_OWN)
        units = holds.units_of(command.lines)
        if sent.parcels:
            parcels.sent(session, sent, units)
        elif sent.state in holds.RESERVED:
            holds.ship(session, sent)
        holds.take_back(session, sent, command.return_id, units, missing=command.missing)
    return ReturnReceived(order_id=command.order_id, return_id=command.return_id)


parcels.handle(inventory, _reservations)
inventory.chore(every=EXPIRE_EVERY)(holds.expire)
inventory.chore(every=FILL_EVERY)(backorders.fill)
inventory.chore(every=FILL_EVERY)(backorders.tell)


def _wanted_in_part(
    command: ReserveInventory, session: BatchSession, short: Iterable[Sku], units: Mapping[Sku, int]
) -> bool:
    """Whether the customer wants what is there; who waits, waits for what has been stocked once."""
    if command.short == "backorder":
        return all(session.family(Stock, sku) for sku in short)
    return command.short != "reject" and bool(units)


def _reserved(command: ReserveInventory, units: Mapping[Any, int]) -> Reserved:
    """What is held, in the words of what the customer wants."""
    lines = filled(command.lines, units)
    if lines == command.lines:
        return InventoryReserved(order_id=command.order_id)
    wanted = holds.units_of(command.lines)
    missing = tuple(sku for sku in sorted(wanted) if units.get(sku, 0) < wanted[sku])
    kind = IN_PART.get(command.short, InventoryPartiallyReserved)
    return kind(order_id=command.order_id, lines=lines, missing=missing)


def _failed(
    command: ReserveInventory, short: tuple[Sku, ...], reason: str
) -> InventoryReservationFailed:
    return InventoryReservationFailed(
        order_id=command.order_id,
        missing=short,
        reason=reason,
    )
