"""What people say of stock: counted, received, written off.

Nothing is written off that is committed to an order. What is only held may be: the newest holds
expire then, and their orders find out when they commit.
"""

from collections.abc import Callable

from sqlalchemy import select

from contracts.runtime.bulk import insert_new
from contracts.runtime.session import BatchSession
from participants.inventory import holds
from participants.inventory.ledger import moved
from participants.inventory.stock import shelf
from participants.inventory.tables import Adjustment, Reservation, Stock

HOLDS_AT_ONCE = 1000
Change = Callable[[BatchSession, Adjustment], bool]


def count(session: BatchSession, sku: str, warehouse: str, quantity: int) -> Stock:
    """Set what is on hand, as counted; the difference is received from, or lost to, outside."""
    stock = shelf(session, sku, warehouse)
    difference = quantity - stock.on_hand
    stock.received += difference
    _change(session, stock, difference, "counted")
    return stock


def receive(session: BatchSession, made: Adjustment) -> bool:
    """Units have come in."""
    session.load(Stock, {made.sku})
    stock = shelf(session, made.sku, made.warehouse)
    stock.received += made.units
    _change(session, stock, made.units, "received")
    return True


def adjust(session: BatchSession, made: Adjustment) -> bool:
    """Units were found, or are gone; False when more are gone than are not committed to orders."""
    if made.units < 0:
        _make_room(session, made.sku, made.warehouse, -made.units)
    session.load(Stock, {made.sku})
    stock = shelf(session, made.sku, made.warehouse)
    if stock.on_hand + made.units < 0:
        return False
    stock.adjusted += made.units
    _change(session, stock, made.units, "adjusted")
    return True


def noted(session: BatchSession, wanted: Adjustment) -> tuple[Adjustment, bool]:
    """What stands under this key of this caller, and whether it has just been written."""
    names = ("caller", "key", "sku", "warehouse", "units", "reason")
    row = {name: getattr(wanted, name) for name in names}
    new = insert_new(session, Adjustment.__table__, [row], "key")
    made: Adjustment | None = session.get(Adjustment, (wanted.caller, wanted.key))
    assert made, "it was there, or has just been written"
    return made, bool(new)


def _make_room(session: BatchSession, sku: str, warehouse: str, units: int) -> None:
    """Let the newest holds of this SKU expire, as many as it takes."""
    on_hand = select(Stock.on_hand).where(Stock.sku == sku, Stock.warehouse == warehouse)
    lacking = units - (session.scalar(on_hand) or 0)
    if lacking <= 0:
        return
    held = Reservation.units[warehouse][sku].as_integer()
    newest = select(Reservation.order_id, held).where(Reservation.state == holds.HELD, held > 0)
    chosen = []
    for order, count in session.execute(
        newest.order_by(Reservation.at.desc()).limit(HOLDS_AT_ONCE)
    ):
        if lacking > 0:
            chosen.append(order)
            lacking -= count
    holds.expire_these(session, chosen)


def _change(session: BatchSession, stock: Stock, units: int, reason: str) -> None:
    stock.on_hand += units
    if units:
        ends = ("outside", "on_hand") if units > 0 else ("on_hand", "outside")
        moved(session, stock, abs(units), *ends, None, reason)
