"""The rules of stock: the last unit goes once, and every move stands in the ledger.

Units stand at a warehouse in one of three places (`on_hand`, `reserved`, `shipped`) and come from
`outside`; what is `returned` of the shipped is on hand again.
"""

from collections.abc import Mapping
from typing import Any

from contracts.messages.values import Sku
from contracts.runtime.session import BatchSession
from participants.inventory.ledger import moved
from participants.inventory.tables import Stock

PLACES = ("on_hand", "reserved", "shipped", "received", "returned", "adjusted", "backordered")


def on_hand(session: BatchSession, sku: str) -> int:
    """How many units of a SKU are on hand, at all warehouses."""
    return sum(row.on_hand for row in session.family(Stock, sku))


def there(session: BatchSession, sku: str) -> int:
    """How many of them nobody waits for: who comes now is not served before who came first."""
    return sum(row.on_hand - row.backordered for row in session.family(Stock, sku))


def owe(session: BatchSession, sku: str, units: int) -> None:
    """Owe so many units more, or (negative) fewer, to orders that wait for them."""
    for row in session.family(Stock, sku):
        change = max(units, -row.backordered)
        row.backordered += change
        units -= change


def missing(session: BatchSession, units: Mapping[Sku, int]) -> tuple[Sku, ...]:
    """The SKUs of which there is not enough on hand."""
    return tuple(sku for sku, wanted in sorted(units.items()) if there(session, sku) < wanted)


def available(session: BatchSession, units: Mapping[Sku, int]) -> dict[Sku, int]:
    """As many of these units as are on hand; nothing of a SKU that is out of stock."""
    found = {sku: min(wanted, there(session, sku)) for sku, wanted in units.items()}
    return {sku: count for sku, count in found.items() if count > 0}


def move(
    session: BatchSession,
    sku: str,
    warehouse: str,
    units: int,
    source: str,
    target: str,
    order_id: str,
    reason: str,
) -> None:
    """Move units that are held for an order, back to where others can have them, or `outside`."""
    stock = session.get(Stock, (sku, warehouse))
    assert stock, f"{sku} was held at {warehouse}, so it is stocked there"
    sign = 1 if source == "returned" else -1  # what has come back is counted, and stays shipped
    setattr(stock, source, getattr(stock, source) + sign * units)
    if target == "outside":
        stock.adjusted -= units
    else:
        setattr(stock, target, getattr(stock, target) + units)
    moved(session, stock, units, source, target, order_id, reason)


def shelf(session: BatchSession, sku: str, warehouse: str) -> Stock:
    """The row of a SKU at a warehouse, empty at first."""
    stock: Stock | None = session.get(Stock, (sku, warehouse))
    if stock is None:
        nothing: dict[str, Any] = dict.fromkeys(PLACES, 0)
        stock = Stock(sku=sku, warehouse=warehouse, **nothing)
        session.add(stock)
    return stock
