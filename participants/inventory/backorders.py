"""What orders wait for, and who is served first when it comes in.

First come, first served, by SKU: what is owed is not there for whoever comes later. An order takes
what comes in bit by bit; when it has the last of it, the command that reserved it is answered anew,
and again at doubling intervals until the order is committed or let go of, for nobody asks again.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Interval, bindparam, case, func, select, update
from sqlalchemy.orm import aliased

from contracts.delivery import turn
from contracts.delivery.envelope import read_envelope, stored
from contracts.messages.inventory import InventoryReserved
from contracts.messages.values import OrderId, Sku
from contracts.runtime.bulk import among
from contracts.runtime.session import BatchSession
from contracts.runtime.settings import settings
from participants.inventory import holds
from participants.inventory.stock import on_hand, owe
from participants.inventory.tables import Backorder, Reservation, Stock

AT_ONCE = 200
TOLD_AGAIN_SECONDS = 60.0


def wait_for(session: BatchSession, order_id: OrderId, units: Mapping[Sku, int]) -> None:
    """Let the order, which holds what is there, wait for these."""
    for sku, lacking in units.items():
        session.add(Backorder(order_id=order_id, sku=sku, units=lacking))
        owe(session, sku, lacking)
    held = session.get(Reservation, order_id)
    held.state, held.asked = holds.BACKORDERED, stored(session.info["envelope"])


def fill(session: BatchSession) -> int:
    """Give what has come in to the orders that wait for it; how many got some."""
    orders = list(dict.fromkeys(session.scalars(_NEXT)))
    session.load(Reservation, set(orders))
    session.load(Backorder, set(orders))
    session.load(Stock, {row.sku for order in orders for row in _waiting(session, order)})
    served = [order for order in orders if _serve(session, session.get(Reservation, order))]
    complete = [order for order in served if not _waiting(session, order)]
    for order in complete:
        session.get(Reservation, order).state = holds.HELD
        session.later(holds.forget, order)
    session.flush()
    if complete:
        session.execute(_HELD_FROM_NOW, {"among": complete})
    return len(served)


def tell(session: BatchSession) -> int:
    """Answer those whose last unit has come in; how many."""
    orders = list(session.scalars(_TO_TELL))
    session.load(Reservation, set(orders))
    for order in orders:
        row = session.get(Reservation, order)
        if row.state == holds.HELD:
            answer = InventoryReserved(order_id=OrderId(order))
            turn.tell(session, read_envelope(row.asked), answer)
    if orders:
        first = settings().wait(TOLD_AGAIN_SECONDS)
        session.execute(_TELL_AGAIN, {"among": orders, "first": first})
    return len(orders)


def _serve(session: BatchSession, held: Reservation) -> bool:
    """Hold for the order what there is of what it waits for; whether there was any."""
    found: dict[Sku, int] = {}
    still = held.state == holds.BACKORDERED  # or it was let go of since
    for row in _waiting(session, held.order_id) if still else ():
        if count := min(row.units, on_hand(session, row.sku)):
            found[Sku(row.sku)] = count
            row.units -= count
            owe(session, row.sku, -count)
    holds.hold_more(session, held, found)
    return bool(found)


def _waiting(session: BatchSession, order: str) -> Sequence[Backorder]:
    return [row for row in session.family(Backorder, order) if row.units > 0]


_OTHER = aliased(Stock)
_COME_IN = (
    select(Stock.sku)
    .join(_OTHER, _OTHER.sku == Stock.sku)
    .where(Stock.backordered > 0, _OTHER.on_hand > 0)
)
_NEXT = (
    select(Backorder.order_id)
    .where(Backorder.units > 0, Backorder.sku.in_(_COME_IN))
    .order_by(Backorder.since, Backorder.order_id)
    .limit(AT_ONCE)
)
_THESE = among(Reservation.__table__.c.order_id)
_HELD_FROM_NOW = update(Reservation).where(_THESE).values(at=func.now(), tell_at=func.now())
_TO_TELL = (
    select(Reservation.order_id)
    .where(Reservation.tell_at <= func.now())
    .order_by(Reservation.order_id)
    .limit(AT_ONCE)
)
_LATER = func.now() + func.greatest(
    bindparam("first", type_=Interval), func.now() - Reservation.at, type_=Interval
)
_TELL_AGAIN = (
    update(Reservation)
    .where(_THESE)
    .values(tell_at=case((Reservation.state == holds.HELD, _LATER)))
)
