"""What an order holds: for a time, for good once committed, and until it is gone or given back.

A hold that nobody commits in time expires, and its units are sold again. A commit that comes later
takes them again if all of them are still there; if not, the order is undone before anything is
captured. The row of the order decides between the two, so it is never both.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select

from contracts.delivery.service import Rows
from contracts.messages.inventory import ReserveInventory
from contracts.messages.returns import ReturnLine
from contracts.messages.values import Line, OrderId, Sku
from contracts.runtime.bulk import among
from contracts.runtime.session import BatchSession
from contracts.runtime.settings import settings
from participants.inventory import stock, warehouses
from participants.inventory.allocation import Placed, allocated
from participants.inventory.tables import Backorder, Reservation, Stock

HELD, BACKORDERED, COMMITTED, SHIPPED = "held", "backordered", "committed", "shipped"
EXPIRED, RELEASED = "expired", "released"
PUT_BACK = "put back"  # of one of several parcels
RESERVED = (HELD, BACKORDERED, COMMITTED)
ITS_OWN = (*RESERVED, SHIPPED)
EXPIRING_AT_ONCE = 200
NO_HOLD = "nothing is held for the order"
NOT_ALL = "not all of it is held"
GONE = "the hold has expired, and not all of it is there any more"
NOW = "when it began"
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
    those = [row for row in known if row.state in states]
    waiting = {row.order_id for row in those if row.state == BACKORDERED}
    session.load(Backorder, waiting)
    owed = {row.sku for order in waiting for row in session.family(Backorder, order)}
    session.load(Stock, _skus(those) | owed)


def units_of(lines: Iterable[Line | ReturnLine]) -> dict[Sku, int]:
    """How many units of each SKU; a SKU may stand in several lines."""
    units: Counter[Sku] = Counter()
    for line in lines:
        units[line.sku] += line.quantity
    return dict(units)


def total(placed: Mapping[str, Mapping[Any, int]]) -> dict[Any, int]:
    """How many units of each SKU, wherever they are."""
    units: Counter[str] = Counter()
    for those in placed.values():
        units.update(those)
    return units


def tombstone(order_id: OrderId) -> Reservation:
    """The memory that the order holds nothing, and never will."""
    return Reservation(order_id=order_id, state=RELEASED, units={}, returned={}, parcels={})


def hold(session: BatchSession, order_id: OrderId, units: Mapping[Sku, int]) -> None:
    """Hold these units for the order; there must be enough, wherever they are."""
    placed = _taken(session, order_id, units)
    held = session.get(Reservation, order_id)
    if held is None:
        held = Reservation(order_id=order_id, state=HELD, units=placed, returned={}, parcels={})
        session.add(held)
    else:
        held.state, held.units, held.at = HELD, placed, _now(session)


def hold_more(session: BatchSession, held: Reservation, units: Mapping[Sku, int]) -> None:
    """Hold these too for an order that has a reservation."""
    more = _taken(session, held.order_id, units)
    both = {at: Counter(held.units.get(at, {})) + Counter(more.get(at, {})) for at in more}
    held.units = {**held.units, **{at: dict(those) for at, those in both.items()}}


def keep(session: BatchSession, held: Reservation | None, wanted: Mapping[Sku, int]) -> str:
    """Hold these units for good, and let go of what else was held; or why that cannot be."""
    if held is None or held.state == RELEASED or not wanted:
        return NO_HOLD
    if held.state == EXPIRED:
        load_units(session, held, EXPIRED)
        if stock.missing(session, wanted):
            return GONE
        hold(session, OrderId(held.order_id), wanted)
    if held.state in (HELD, BACKORDERED):
        there = total(held.units)
        if any(there.get(sku, 0) < units for sku, units in wanted.items()):
            return NOT_ALL
        _let_go(session, held, Counter(there) - Counter(wanted))
        _wait_no_more(session, held)
        held.state = COMMITTED
    return ""


def give_back(
    session: BatchSession, held: Reservation, state: str = RELEASED, reason: str = "released"
) -> None:
    """Release what was reserved, not what was ordered."""
    _wait_no_more(session, held)
    move_all(session, held.order_id, held.units, "reserved", "on_hand", reason)
    held.state = state


def ship(session: BatchSession, held: Reservation) -> None:
    """What was held has gone, and nothing is waited for any more."""
    _wait_no_more(session, held)
    move_all(session, held.order_id, held.units, "reserved", "shipped", "shipped")
    held.state = SHIPPED


def take_back(
    session: BatchSession,
    sent: Reservation,
    return_id: str,
    units: Mapping[Any, int],
    *,
    missing: bool = False,
) -> None:
    """Units that were sent are on hand again where they came from, or are written off there if they
    are missing, once for each return; all that is still out, if none are named."""
    if return_id in sent.returned:
        return
    out = {warehouse: Counter(those) for warehouse, those in shipped(sent).items()}
    for before in sent.returned.values():
        for warehouse, those in before.items():
            out[warehouse].subtract(those)
    left = {sku: count for sku, count in total(out).items() if count > 0}
    back = allocated(units or left, out, tuple(out))
    if missing:
        move_all(session, sent.order_id, back, "shipped", "outside", "missing")
    else:
        move_all(session, sent.order_id, back, "returned", "on_hand", "returned")
    sent.returned = {**sent.returned, return_id: back}


def expire(session: BatchSession) -> int:
    """Let go of what was held for longer than `hold_hours`; how many orders held it."""
    longest = settings().wait(settings().hold_hours * 3600)
    due = (
        select(Reservation.order_id)
        .where(Reservation.state == HELD, Reservation.at <= func.now() - longest)
        .order_by(Reservation.at)
        .limit(EXPIRING_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    return expire_these(session, list(session.scalars(due)))


def expire_these(session: BatchSession, orders: Sequence[str]) -> int:
    """Let go of what these orders hold, unless it is committed by now; how many held it."""
    session.load(Reservation, set(orders))
    found = (session.get(Reservation, order) for order in sorted(orders))
    held = [row for row in found if row and row.state == HELD]
    session.load(Stock, _skus(held))
    for row in held:
        give_back(session, row, EXPIRED, "expired")
    return len(held)


def move_all(
    session: BatchSession, order_id: str, placed: Placed, source: str, target: str, reason: str
) -> None:
    """Move units by warehouse from one place to another."""
    for warehouse, units in placed.items():
        for sku, count in units.items():
            stock.move(session, sku, warehouse, count, source, target, order_id, reason)


def leave(held: Reservation, warehouse: str, units: Mapping[str, int]) -> None:
    """These units have left what the order holds, as a parcel of its own."""
    left = Counter(held.units.get(warehouse, {})) - Counter(units)
    others = {at: those for at, those in held.units.items() if at != warehouse}
    held.units = {**others, warehouse: dict(left)} if left else others


def shipped(sent: Reservation) -> Placed:
    """What was sent: what is in the parcels that were, and what was sent as a whole."""
    out: dict[str, Counter[str]] = {}
    if sent.state == SHIPPED:
        out = {warehouse: Counter(units) for warehouse, units in sent.units.items()}
    for parcel in sent.parcels.values():
        if parcel["state"] == SHIPPED:
            out.setdefault(parcel["warehouse"], Counter()).update(parcel["units"])
    return {warehouse: dict(units) for warehouse, units in out.items()}


def _let_go(session: BatchSession, held: Reservation, surplus: Mapping[str, int]) -> None:
    """Give back these of the units, those at the least wanted warehouse first."""
    if surplus or held.state == BACKORDERED:
        load_units(session, held, HELD, BACKORDERED)
        back = allocated(surplus, held.units, tuple(reversed(held.units)))
        move_all(session, held.order_id, back, "reserved", "on_hand", "released")
        left = {w: Counter(those) - Counter(back.get(w, {})) for w, those in held.units.items()}
        held.units = {warehouse: dict(those) for warehouse, those in left.items() if those}


def _wait_no_more(session: BatchSession, held: Reservation) -> None:
    if held.state == BACKORDERED:
        for row in session.family(Backorder, held.order_id):
            stock.owe(session, row.sku, -row.units)
        session.later(forget, held.order_id)


def forget(session: BatchSession, orders: list[str]) -> None:
    """These orders wait for nothing any more."""
    session.execute(_WAITED_FOR, {"among": orders})


def _taken(session: BatchSession, order_id: str, units: Mapping[Sku, int]) -> Placed:
    """Units that are on hand, reserved now: where."""
    there: dict[str, dict[Any, int]] = {}
    for sku in units:
        for row in session.family(Stock, sku):
            there.setdefault(row.warehouse, {})[sku] = row.on_hand
    placed = allocated(units, there, warehouses.ranked(session, there))
    move_all(session, order_id, placed, "on_hand", "reserved", "reserved")
    return placed


def _now(session: BatchSession) -> datetime:
    """When this transaction began, asked for once."""
    if NOW not in session.info:
        session.info[NOW] = session.scalar(select(func.now()))
    now: datetime = session.info[NOW]
    return now


def _skus(reservations: Iterable[Reservation]) -> set[str]:
    return {sku for row in reservations for units in row.units.values() for sku in units}


_WAITED_FOR = delete(Backorder).where(among(Backorder.__table__.c.order_id))
