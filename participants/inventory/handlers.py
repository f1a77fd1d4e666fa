"""START HERE: what inventory does on each command, and when a parcel has gone."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from contracts.delivery.service import Rows, Service
from contracts.messages.inventory import (
    CommitInventory,
    InventoryCommitted,
    InventoryHoldExpired,
    InventoryPartiallyReserved,
    InventoryReleased,
    InventoryReservationFailed,
    InventoryReserved,
    InventoryReservedInPart,
    ReleaseInventory,
    ReserveInventory,
)
from contracts.messages.returns import ReceiveReturn, ReturnReceived
from contracts.messages.shipping import ShippingRequested
from contracts.messages.values import Parcel, Sku
from contracts.runtime.session import BatchSession
from participants.inventory import stock
from participants.inventory.tables import Reservation

inventory = Service("inventory")
Reserved = InventoryReserved | InventoryPartiallyReserved | InventoryReservedInPart


def _reservations(messages: Sequence[Any]) -> Iterable[Rows]:
    return ((Reservation, {message.order_id for message in messages}),)


@inventory.handles(ReserveInventory, loads=stock.rows_of)
def reserve(
    command: ReserveInventory, session: BatchSession
) -> Reserved | InventoryReservationFailed:
    """Hold every line; where stock falls short, as much of each as there is, unless the customer
    wants all or nothing. An order that was released before holds nothing ever."""
    held = session.get(Reservation, command.order_id)
    if held and held.state == stock.RELEASED:
        return _failed(command, (), "released before it was reserved")
    if held:
        return _reserved(command, held.units)
    wanted = stock.units_of(command.lines)
    short = stock.missing(session, wanted)
    units = stock.available(session, wanted) if short else wanted
    if short and (command.short == "reject" or not units):
        return _failed(command, short, "out of stock")
    stock.take(session, command.order_id, units)
    return _reserved(command, units)


@inventory.handles(CommitInventory, loads=_reservations)
def commit(
    command: CommitInventory, session: BatchSession
) -> InventoryCommitted | InventoryHoldExpired:
    """What is held never expires any more; what is not held cannot be kept."""
    held = session.get(Reservation, command.order_id)
    if held is None or held.state not in stock.ITS_OWN:
        reason = "nothing is held for the order"
        return InventoryHoldExpired(order_id=command.order_id, reason=reason)
    stock.commit(held)
    parcel = Parcel(warehouse=stock.MAIN, lines=stock.filled(command.lines, held.units))
    return InventoryCommitted(order_id=command.order_id, parcels=(parcel,))


@inventory.handles(ReleaseInventory, loads=_reservations)
def release(command: ReleaseInventory, session: BatchSession) -> InventoryReleased:
    """Give back what is held; where nothing is, leave a tombstone for the late command."""
    held = session.get(Reservation, command.order_id)
    if held is None:
        session.add(stock.tombstone(command.order_id))
    elif held.state in stock.RESERVED:
        stock.load_units(session, held, *stock.RESERVED)
        stock.give_back(session, held)
    return InventoryReleased(order_id=command.order_id)


@inventory.on(ShippingRequested, loads=_reservations)
def ship(event: ShippingRequested, session: BatchSession) -> None:
    """What the carrier has taken is no longer held."""
    held = session.get(Reservation, event.order_id)
    if held and held.state in stock.RESERVED:
        stock.load_units(session, held, *stock.RESERVED)
        stock.ship(session, held)


@inventory.handles(ReceiveReturn, loads=_reservations)
def take_back(command: ReceiveReturn, session: BatchSession) -> ReturnReceived:
    """What was sent has come back, so it was sent, even if nobody has told so yet."""
    sent = session.get(Reservation, command.order_id)
    if sent and sent.state != stock.RELEASED:
        stock.load_units(session, sent, *stock.ITS_OWN)
        if sent.state in stock.RESERVED:
            stock.ship(session, sent)
        stock.take_back(session, sent, command.return_id, stock.units_of(command.lines))
    return ReturnReceived(order_id=command.order_id, return_id=command.return_id)


def _reserved(command: ReserveInventory, units: Mapping[Any, int]) -> Reserved:
    """What is held, in the words of what the customer wants."""
    lines = stock.filled(command.lines, units)
    if lines == command.lines:
        return InventoryReserved(order_id=command.order_id)
    wanted = stock.units_of(command.lines)
    missing = tuple(sku for sku in sorted(wanted) if units.get(sku, 0) < wanted[sku])
    kind = InventoryReservedInPart if command.short == "ship" else InventoryPartiallyReserved
    return kind(order_id=command.order_id, lines=lines, missing=missing)


def _failed(
    command: ReserveInventory, short: tuple[Sku, ...], reason: str
) -> InventoryReservationFailed:
    return InventoryReservationFailed(
        order_id=command.order_id,
        missing=short,
        reason=reason,
    )
