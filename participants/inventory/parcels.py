"""The parcels of an order that leaves in several: each has its units of what the order holds.

They are shipped or put back one by one; when the last is, the reservation is through.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from contracts.delivery.service import Loads, Service
from contracts.messages.parcels import (
    ParcelNotPicked,
    ParcelPicked,
    ParcelPutBack,
    PickParcel,
    PutParcelBack,
)
from contracts.runtime.session import BatchSession
from participants.inventory import holds
from participants.inventory.holds import ITS_OWN, PUT_BACK, RELEASED, RESERVED, SHIPPED
from participants.inventory.tables import Reservation

PICKED = "picked"


def handle(inventory: Service, loads: Loads) -> None:
    """Let the service handle these commands."""
    inventory.handles(PickParcel, loads=loads)(_pick)
    inventory.handles(PutParcelBack, loads=loads)(_put_back)


def ship(session: BatchSession, held: Reservation, parcel: int) -> None:
    """The carrier has taken this parcel."""
    known = held.parcels.get(str(parcel))
    if known and known["state"] == PICKED and held.state in RESERVED:
        holds.load_units(session, held, *RESERVED)
        _move(session, held, str(parcel), SHIPPED)


def sent(session: BatchSession, held: Reservation, units: Mapping[Any, int]) -> None:
    """So many units more come back, so the parcels they were in were sent, even if nobody has told
    so."""
    out = Counter(holds.total(holds.shipped(held)))
    back = sum((Counter(holds.total(each)) for each in held.returned.values()), Counter(units))
    for number, parcel in sorted(held.parcels.items(), key=lambda each: int(each[0])):
        short = any(out[sku] < back[sku] for sku in parcel["units"])
        if short and parcel["state"] == PICKED:
            _move(session, held, number, SHIPPED)
            out = Counter(holds.total(holds.shipped(held)))


def _pick(command: PickParcel, session: BatchSession) -> ParcelPicked | ParcelNotPicked:
    """Set its units apart; of an order that holds nothing any more there are none."""
    held, number = session.get(Reservation, command.order_id), str(command.parcel)
    parcel = held.parcels.get(number) if held else None
    if held and parcel is None and held.state in ITS_OWN:
        parcel = _keep(held, number, _new(command, held))
    if parcel is None or parcel["state"] == PUT_BACK:
        reason = "its units were put back before" if parcel else "the order holds nothing"
        return ParcelNotPicked(order_id=command.order_id, parcel=command.parcel, reason=reason)
    return ParcelPicked(order_id=command.order_id, parcel=command.parcel)


def _put_back(command: PutParcelBack, session: BatchSession) -> ParcelPutBack:
    """Its units are on hand again, or, of an order that holds nothing any more, are so already."""
    held, number = session.get(Reservation, command.order_id), str(command.parcel)
    if held and held.state in RESERVED:
        parcel = held.parcels.get(number) or _keep(held, number, _new(command, held))
        if parcel["state"] == PICKED:
            holds.load_units(session, held, *RESERVED)
            _move(session, held, number, PUT_BACK)
    return ParcelPutBack(order_id=command.order_id, parcel=command.parcel)


def _new(command: PickParcel | PutParcelBack, held: Reservation) -> dict[str, Any]:
    """The parcel as it is kept; what was sent as a whole before was sent in it too."""
    units: dict[Any, int] = dict(holds.units_of(command.lines))
    if held.state == SHIPPED:
        holds.leave(held, command.warehouse, units)
    state = SHIPPED if held.state == SHIPPED else PICKED
    return {"state": state, "warehouse": command.warehouse, "units": units}


def _keep(held: Reservation, number: str, parcel: dict[str, Any]) -> dict[str, Any]:
    held.parcels = {**held.parcels, number: parcel}
    return parcel


def _move(session: BatchSession, held: Reservation, number: str, state: str) -> None:
    """Move the parcel's units on; when no parcel is left, the reservation is through."""
    parcel = held.parcels[number]
    to = ("shipped", "shipped") if state == SHIPPED else ("on_hand", "released")
    placed = {parcel["warehouse"]: parcel["units"]}
    holds.move_all(session, held.order_id, placed, "reserved", *to)
    holds.leave(held, parcel["warehouse"], parcel["units"])
    _keep(held, number, {**parcel, "state": state})
    if not held.units:
        held.state = SHIPPED if holds.shipped(held) else RELEASED
