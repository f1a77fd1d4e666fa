"""The stock ledger: movements are collected, and written in one statement with the next flush."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Text, Uuid, bindparam, column, event, func, insert, select
from sqlalchemy.orm import Session

from participants.inventory.tables import StockEntry

MOVES = "stock moves"
_COLUMNS = (
    column("sku", Text),
    column("units", BigInteger),
    column("source", Text),
    column("target", Text),
    column("order_id", Uuid),
    column("reason", Text),
)
_NAMES = tuple(each.name for each in _COLUMNS)
_MOVED = func.json_to_recordset(bindparam("moves", type_=JSON)).table_valued(*_COLUMNS)
_ENTRIES: Any = StockEntry.__table__
_WRITE = insert(_ENTRIES).from_select(
    _NAMES, select(_MOVED.alias("moved").render_derived(with_types=True))
)


def moved(
    session: Session,
    sku: str,
    units: int,
    source: str,
    target: str,
    order_id: str | None,
    reason: str,
) -> None:
    """Units of a SKU went from one place to another, for an order or for a count."""
    if MOVES not in session.info:
        session.info[MOVES] = []
        event.listen(session, "after_flush", _write)
    session.info[MOVES].append((sku, units, source, target, order_id, reason))


def _write(session: Session, _: Any) -> None:
    moves, session.info[MOVES] = session.info[MOVES], []
    if moves:
        rows = [dict(zip(_NAMES, move, strict=True)) for move in moves]
        session.execute(_WRITE, {"moves": rows})
