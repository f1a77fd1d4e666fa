"""The stock ledger: every movement of a batch is written in one statement with the flush."""

from typing import Any

from contracts.runtime.bulk import insert_rows
from contracts.runtime.session import BatchSession
from participants.inventory.tables import StockEntry


def moved(
    session: BatchSession,
    sku: str,
    units: int,
    source: str,
    target: str,
    order_id: str | None,
    reason: str,
) -> None:
    """Units of a SKU went from one place to another, for an order or for a count."""
    move = {"sku": sku, "units": units, "source": source, "target": target}
    session.later(_write, {**move, "order_id": order_id, "reason": reason})


def _write(session: BatchSession, moves: list[Any]) -> None:
    insert_rows(session, StockEntry.__table__, moves)
