"""Which warehouses there are, and which of them serves an order first."""

from collections.abc import Collection, Sequence

from sqlalchemy import select

from contracts.runtime.session import BatchSession
from participants.inventory.tables import Warehouse

MAIN = "main"
RANKED = "the warehouses by rank"


def ranked(session: BatchSession, names: Collection[str]) -> Sequence[str]:
    """These warehouses, the first to serve first; of a single one nobody is asked."""
    if len(names) < 2:
        return tuple(names)
    if RANKED not in session.info:
        session.info[RANKED] = list(session.scalars(_BY_RANK))
    return tuple(name for name in session.info[RANKED] if name in names)


def put(session: BatchSession, identity: str, name: str, rank: int) -> Warehouse:
    """Let there be a warehouse of this name and rank."""
    session.load(Warehouse, {identity})
    warehouse: Warehouse | None = session.get(Warehouse, identity)
    if warehouse is None:
        warehouse = Warehouse(id=identity, name=name, rank=rank)
        session.add(warehouse)
    warehouse.name, warehouse.rank = name, rank
    return warehouse


_BY_RANK = select(Warehouse.id).order_by(Warehouse.rank, Warehouse.id)
