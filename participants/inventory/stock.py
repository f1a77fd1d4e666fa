"""The rules of stock: the last unit goes once, and every move stands in the ledger.

Units stand in one of three places (`on_hand`, `reserved`, `shipped`) and come from `outside`; what
is `returned` of the shipped is on hand again.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from contracts.delivery.service import Rows
from contracts.messages.inventory import ReserveInventory
from contracts.messages.returns import ReturnLine
from contracts.messages.values import Line, OrderId, Sku
from contracts.runtime.session import BatchSession
from participants.inventory.ledger import moved
from participants.inventory.tables import Reservation, Stock

HELD, COMMITTED, RELEASED, SHIPPED = "held", "committed", "released", "shipped"
RESERVED = (HELD, COMMITTED)
ITS_OWN = (*RESERVED, SHIPPED)
MAIN = "main"
ALL_LOADED = "stock is loaded of all that are"


def rows_of(commands: Sequence[ReserveInventory]) -> Iterable[Rows]:
    """The rows these commands need: the orders' reservations and the stock of all their SKUs."""
    return (
        (Reservation, {command.order_id for command in commands}),
        (Stock, {line.sku for command in commands for line in command.lines}),
    )


def load_units(session: BatchSession, reservation: Reservation, *states: str) -> None:
    """Load the stock of this order's units, at the first call with that of all orders of the batch
    whose units stand in one of these states."""
    known, told = [reservation], f"{ALL_LOADED} {states}"
    if told not in session.info:
        session.info[told] = True
        known += session.rows(Reservation)
    session.load(Stock, {sku for row in known if row.state in states for sku in row.units})


def units_of(lines: Iterable[Line | ReturnLine]) -> dict[Sku, int]:
    """How many units of each SKU; a SKU may stand in several lines."""
    units: Counter[Sku] = Counter()
    for line in lines:
        units[line.sku] += line.quantity
    return dict(units)


def missing(session: BatchSession, units: Mapping[Sku, int]) -> tuple[Sku, ...]:
    """The SKUs of which there is not enough on hand."""
    return tuple(sku for sku, wanted in sorted(units.items()) if _on_hand(session, sku) < wanted)


def available(session: BatchSession, units: Mapping[Sku, int]) -> dict[Sku, int]:
    """As many of these units as are on hand; nothing of a SKU that is out of stock."""
    there = {sku: min(wanted, _on_hand(session, sku)) for sku, wanted in units.items()}
    return {sku: count for sku, count in there.items() if count > 0}


def filled(lines: Iterable[Line], units: Mapping[Any, int]) -> tuple[Line, ...]:
    """The lines as far as these units go, the first line first."""
    left, found = dict(units), []
    for line in lines:
        if count := min(line.quantity, left.get(line.sku, 0)):
            left[line.sku] -= count
            found.append(line if count == line.quantity else replace(line, quantity=count))
    return tuple(found)


def tombstone(order_id: OrderId) -> Reservation:
    """The memory that the order holds nothing, and never will."""
    return Reservation(order_id=order_id, state=RELEASED, units={}, returned={})


def take(session: BatchSession, order_id: OrderId, units: Mapping[Sku, int]) -> None:
    """Hold these units for the order; there must be enough."""
    for sku, wanted in units.items():
        _move(session, sku, wanted, "on_hand", "reserved", order_id, "reserved")
    session.add(Reservation(order_id=order_id, state=HELD, units=dict(units), returned={}))


def commit(reservation: Reservation) -> None:
    """What is held stays held until it is shipped or released."""
    if reservation.state == HELD:
        reservation.state = COMMITTED


def give_back(session: BatchSession, reservation: Reservation) -> None:
    """Release what was reserved, not what was ordered."""
    for sku, units in reservation.units.items():
        _move(session, sku, units, "reserved", "on_hand", reservation.order_id, "released")
    reservation.state = RELEASED


def ship(session: BatchSession, reservation: Reservation) -> None:
    """What was held has gone."""
    for sku, units in reservation.units.items():
        _move(session, sku, units, "reserved", "shipped", reservation.order_id, "shipped")
    reservation.state = SHIPPED


def take_back(
    session: BatchSession, reservation: Reservation, return_id: str, units: Mapping[Any, int]
) -> None:
    """Units that were sent are on hand again, once for each return; all that is still out, if none
    are named."""
    if return_id in reservation.returned:
        return
    out = Counter(reservation.units)
    for before in reservation.returned.values():
        out.subtract(before)
    back = {sku: min(wanted, out[sku]) for sku, wanted in (units or out).items() if out[sku] > 0}
    for sku, count in back.items():
        _move(session, sku, count, "returned", "on_hand", reservation.order_id, "returned")
    reservation.returned = {**reservation.returned, return_id: back}


def count(session: BatchSession, sku: str, quantity: int) -> Stock:
    """Set what is on hand, as counted; the difference is received from, or lost to, outside."""
    stock: Stock | None = session.get(Stock, sku)
    if stock is None:
        stock = Stock(sku=sku, on_hand=0, reserved=0, shipped=0, received=0, returned=0)
        session.add(stock)
    difference = quantity - stock.on_hand
    stock.on_hand = quantity
    stock.received += difference
    if difference:
        ends = ("outside", "on_hand") if difference > 0 else ("on_hand", "outside")
        moved(session, sku, abs(difference), *ends, None, "counted")
    return stock


def _on_hand(session: BatchSession, sku: str) -> int:
    stock = session.get(Stock, sku)
    return stock.on_hand if stock else 0


def _move(
    session: BatchSession,
    sku: str,
    units: int,
    source: str,
    target: str,
    order_id: str,
    reason: str,
) -> None:
    stock = session.get(Stock, sku)
    assert stock, f"{sku} was held, so it is stocked"
    sign = 1 if source == "returned" else -1  # what has come back is counted, and stays shipped
    setattr(stock, source, getattr(stock, source) + sign * units)
    setattr(stock, target, getattr(stock, target) + units)
    moved(session, sku, units, source, target, order_id, reason)
