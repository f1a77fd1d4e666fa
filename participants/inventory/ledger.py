"""The stock ledger: every movement of a batch is written in one statement with the flush."""

from typing import Any

from contracts.runtime.bulk import insert_rows
from contracts.runtime.session import BatchSession
from participants.inventory.tables import Stock, StockEntry


def moved(
    session: BatchSession,
    of: Stock,
    units: int,
    source: str,
    target: str,
    order_id: str | None,
    reason: str,
) -> None:
    """Units of a SKU went from one place at its warehouse to another, for an order or by hand."""
    move = {"sku": of.sku, "warehouse": of.warehouse, "units": units}
    told = {"source": source, "target": target, "order_id": order_id, "reason": reason}
    session.later(_write, {**move, **told})


def _write(session: BatchSession, moves: list[Any]) -> None:
    insert_rows(session, StockEntry.__table__, moves)
