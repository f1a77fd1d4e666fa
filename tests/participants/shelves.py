"""What tests of inventory say: stock at warehouses, commands about it, and how it stands."""

from itertools import count

from sqlalchemy import text

from contracts.messages.inventory import (
    CommitInventory,
    ReleaseInventory,
    ReserveInventory,
    Short,
)
from contracts.messages.shipping import ShippingRequested
from contracts.messages.values import Line, Money, OrderId, Sku
from deploy.evidence import STOCK
from participants.inventory import receiving, warehouses
from participants.inventory.tables import Stock
from tests.participants.bench import Bench

NUMBERS = count(1)
PRICE = Money(amount=100, currency="GBP")


def stocked(store: Bench, quantity: int, **elsewhere: int) -> Sku:
    """A new SKU with so many units on hand, and so many at other warehouses by name."""
    sku = Sku(f"T-{next(NUMBERS)}")
    with store.host.db.transaction() as session:
        session.load(Stock, {sku})
        for warehouse, units in {warehouses.MAIN: quantity, **elsewhere}.items():
            receiving.count(session, sku, warehouse, units)
    return sku


def built(store: Bench, **ranks: int) -> None:
    """Warehouses of these ranks."""
    with store.host.db.transaction() as session:
        for name, rank in ranks.items():
            warehouses.put(session, name, name.title(), rank)


def reserve(order: OrderId, *wanted: tuple[Sku, int], short: Short = "reject") -> ReserveInventory:
    """A command to hold these."""
    lines = tuple(Line(sku=sku, quantity=units, unit_price=PRICE) for sku, units in wanted)
    return ReserveInventory(order_id=order, lines=lines, short=short)


def kept(asked: ReserveInventory) -> CommitInventory:
    """A command to keep what was asked for."""
    return CommitInventory(order_id=asked.order_id, lines=asked.lines)


def let_go(order: OrderId) -> ReleaseInventory:
    """A command to give back what is held."""
    return ReleaseInventory(order_id=order)


def taken(order: OrderId) -> ShippingRequested:
    """The event that the carrier has its parcel."""
    return ShippingRequested(order_id=order, carrier="c", tracking="t")


def standing(store: Bench, sku: Sku, warehouse: str = warehouses.MAIN) -> tuple[int, ...]:
    """On hand, reserved, shipped."""
    query = "SELECT on_hand, reserved, shipped FROM stock WHERE sku = :sku AND warehouse = :at"
    return store.rows(query, sku=sku, at=warehouse)[0]


def entries(store: Bench, sku: Sku) -> list[tuple[object, ...]]:
    """What the ledger tells of a SKU: why, how many, from where, to where."""
    moves = "SELECT reason, units, source, target FROM stock_entries WHERE sku = :s ORDER BY id"
    return store.rows(moves, s=sku)


def wrong(store: Bench, *skus: Sku) -> list[object]:
    """Of these SKUs, what does not add up, or not as the ledger and the holds say."""
    with store.host.db.transaction() as session:
        rows = [row for row in session.execute(text(STOCK)) if row.sku in skus]
    return [
        row
        for row in rows
        if row.on_hand + row.reserved + row.shipped != row.received + row.returned + row.adjusted
        or min(row.on_hand, row.reserved, row.shipped, row.shipped - row.returned) < 0
        or not row.as_entered
        or row.reserved != row.held
    ]


def aged(store: Bench, *orders: OrderId) -> None:
    """Let what these orders hold be held for two days."""
    change = "UPDATE reservations SET at = at - interval '2 days' WHERE order_id = ANY(:ids)"
    store.rows(change, ids=list(orders))
