"""Stock over HTTP: warehouses; what is counted, received or written off; how it stands."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import BigInteger, ColumnElement, func, select

from contracts.runtime.access import Caller, allow
from contracts.runtime.database import Database
from contracts.runtime.problems import Problem
from contracts.runtime.session import BatchSession
from participants.inventory import receiving, warehouses
from participants.inventory.tables import Adjustment, Stock, StockEntry, Warehouse

ENTRIES = StockEntry.__table__
LEDGER_MOST = 1000
BATCH_MOST = 500
MOST_UNITS = 1_000_000_000
COUNTED = ("on_hand", "reserved", "shipped", "received", "returned", "adjusted", "backordered")
SKU = r"^[^\x00-\x1f]+$"
NAMED = r"^[a-z0-9][a-z0-9\-]*$"
Reader = Annotated[Caller, Depends(allow("shop", "support", "operator"))]
Keeper = Annotated[Caller, Depends(allow("shop", "operator"))]
Operator = Annotated[Caller, Depends(allow("operator"))]
Cursor = Annotated[str, Query(max_length=64, pattern=r"^[^\x00-\x1f]*$")]
Limit = Annotated[int, Query(ge=1, le=BATCH_MOST)]
Sku = Annotated[str, Path(min_length=1, max_length=64, pattern=SKU)]
WarehouseId = Annotated[str, Path(min_length=1, max_length=40, pattern=NAMED)]
Key = Annotated[
    str, Header(alias="Idempotency-Key", min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")
]
Found = Annotated[int, Field(ge=1, le=MOST_UNITS)]
Gone = Annotated[int, Field(ge=-MOST_UNITS, le=-1)]


class Body(BaseModel):
    """Only what is declared is let in."""

    model_config = ConfigDict(extra="forbid")


class WarehouseBody(Body):
    """A warehouse; the lowest rank serves first."""

    name: str = Field(min_length=1, max_length=100, pattern=SKU)
    rank: int = Field(ge=1, le=1_000_000)


class AtBody(Body):
    """At which warehouse."""

    warehouse: str = Field(warehouses.MAIN, min_length=1, max_length=40, pattern=NAMED)


class CountBody(AtBody):
    """How many units are on hand."""

    quantity: int = Field(ge=0, le=MOST_UNITS)


class SkuCount(CountBody):
    """How many units of one SKU are on hand."""

    sku: str = Field(min_length=1, max_length=64, pattern=SKU)


class CountsBody(Body):
    """Counts of up to 500 SKUs; of one that stands twice, the last."""

    counts: list[SkuCount] = Field(min_length=1, max_length=BATCH_MOST)


class ReceiptBody(AtBody):
    """Units that came in, and with what (a delivery note, a purchase order)."""

    quantity: Found
    reason: str = Field(min_length=1, max_length=200, pattern=SKU)


class AdjustmentBody(AtBody):
    """Units that were found, or are gone if negative, and why."""

    quantity: Found | Gone
    reason: str = Field(min_length=1, max_length=200, pattern=SKU)


def routes(db: Database) -> APIRouter:
    """The routes of inventory."""
    router = APIRouter(tags=["inventory"])
    _warehouses(router, db)
    _counting(router, db)
    _moving(router, db)
    _looking(router, db)
    return router


def _warehouses(router: APIRouter, db: Database) -> None:
    @router.put("/warehouses/{warehouse}")
    def put(warehouse: WarehouseId, body: WarehouseBody, caller: Operator) -> dict[str, Any]:
        """Let there be a warehouse, or change its name and rank."""
        with db.transaction() as session:
            return _named(warehouses.put(session, warehouse, body.name, body.rank))

    @router.get("/warehouses")
    def listed(caller: Reader) -> dict[str, Any]:
        """Every warehouse, the first to serve first."""
        found = select(Warehouse).order_by(Warehouse.rank, Warehouse.id)
        with db.transaction() as session:
            return {"warehouses": [_named(row) for row in session.scalars(found)]}


def _counting(router: APIRouter, db: Database) -> None:
    @router.put("/stock/{sku}")
    def count(sku: Sku, body: CountBody, caller: Keeper) -> dict[str, Any]:
        """Set what is on hand at a warehouse, as counted."""
        with db.transaction() as session:
            _known(session, {body.warehouse})
            session.load(Stock, {sku})
            receiving.count(session, sku, body.warehouse, body.quantity)
            return _shown(session, sku)

    @router.post("/stock:batch")
    def count_many(body: CountsBody, caller: Keeper) -> dict[str, Any]:
        """Set what is on hand of many SKUs, in one transaction."""
        wanted = {(each.sku, each.warehouse): each.quantity for each in body.counts}
        skus = dict.fromkeys(each.sku for each in body.counts)
        with db.transaction() as session:
            _known(session, {warehouse for _, warehouse in wanted})
            session.load(Stock, set(skus))
            for (sku, warehouse), quantity in wanted.items():
                receiving.count(session, sku, warehouse, quantity)
            return {"stock": [_shown(session, sku) for sku in skus]}


def _moving(router: APIRouter, db: Database) -> None:
    @router.post("/stock/{sku}/receipts")
    def receive(sku: Sku, body: ReceiptBody, key: Key, caller: Keeper) -> dict[str, Any]:
        """Units came in: they are on hand, once for each key."""
        return _once(db, caller, key, sku, body, receiving.receive)

    @router.post("/stock/{sku}/adjustments")
    def adjust(sku: Sku, body: AdjustmentBody, key: Key, caller: Operator) -> dict[str, Any]:
        """Units were found or are gone, once for each key. Where fewer are on hand, the newest
        holds of orders that are not decided yet expire; what is committed stays."""
        return _once(db, caller, key, sku, body, receiving.adjust)


def _once(
    db: Database, caller: Caller, key: str, sku: str, body: Any, change: receiving.Change
) -> dict[str, Any]:
    asked = {"warehouse": body.warehouse, "units": body.quantity, "reason": body.reason}
    wanted = Adjustment(caller=caller.subject, key=key, sku=sku, **asked)
    with db.transaction() as session:
        _known(session, {body.warehouse})
        made, new = receiving.noted(session, wanted)
        if {"sku": sku, **asked} != {n: getattr(made, n) for n in ("sku", *asked)}:
            raise _reused(key)
        if new and not change(session, made):
            raise Problem(409, "committed", "Fewer units can be written off", COMMITTED)
        session.load(Stock, {sku})
        return _shown(session, sku)


def _looking(router: APIRouter, db: Database) -> None:
    @router.get("/stock")
    def listed(caller: Reader, cursor: Cursor = "", limit: Limit = 100) -> dict[str, Any]:
        """What stands of every SKU, in their order, by cursor."""
        found = _SUMS.where(Stock.sku > cursor).group_by(Stock.sku).order_by(Stock.sku)
        with db.transaction() as session:
            rows = [dict(row._mapping) for row in session.execute(found.limit(limit))]
        return {"stock": rows, "next": rows[-1]["sku"] if len(rows) == limit else None}

    @router.get("/stock/{sku}")
    def look(sku: Sku, caller: Reader) -> dict[str, Any]:
        """What is on hand, reserved and shipped, in all and at each warehouse."""
        with db.transaction() as session:
            session.load(Stock, {sku})
            if not session.family(Stock, sku):
                raise Problem(404, "not-found", "There is no such SKU")
            return _shown(session, sku)

    @router.get("/ledgers/stock")
    def of_order(order: UUID, caller: Reader) -> dict[str, Any]:
        """What moved because of an order, whatever it was, oldest first."""
        return {"entries": _moved(db, ENTRIES.c.order_id == str(order))}

    @router.get("/ledgers/stock/{sku}")
    def ledger(sku: Sku, caller: Reader, order: UUID | None = None) -> dict[str, Any]:
        """The latest movements of a SKU, oldest first; those for one order, if it is named."""
        mine = [ENTRIES.c.order_id == str(order)] if order else []
        return {"entries": _moved(db, ENTRIES.c.sku == sku, *mine)}


def _moved(db: Database, *of: ColumnElement[bool]) -> list[dict[str, Any]]:
    latest = select(ENTRIES).where(*of).order_by(ENTRIES.c.id.desc()).limit(LEDGER_MOST)
    return [dict(row._mapping) for row in reversed(db.read(latest))]


def _known(session: BatchSession, names: set[str]) -> None:
    there = set(session.scalars(select(Warehouse.id).where(Warehouse.id.in_(names))))
    if unknown := sorted(names - there):
        known = "PUT /warehouses/{id} makes one."
        raise Problem(404, "no-warehouse", f"There is no warehouse {unknown[0]!r}", known)


def _shown(session: BatchSession, sku: str) -> dict[str, Any]:
    rows = sorted(session.family(Stock, sku), key=lambda row: row.warehouse)
    sums = {place: sum(getattr(row, place) for row in rows) for place in COUNTED}
    at = [{"warehouse": r.warehouse, **{p: getattr(r, p) for p in COUNTED}} for r in rows]
    return {"sku": sku, **sums, "warehouses": at}


def _named(row: Warehouse) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "rank": row.rank}


def _reused(key: str) -> Problem:
    title = "This key stands for another change"
    detail = f"Idempotency-Key {key!r} was used with another body; take a new key."
    return Problem(422, "key-reused", title, detail)


COMMITTED = "The rest is committed to orders: report it missing order by order."
_SUMS = select(Stock.sku, *(func.sum(getattr(Stock, p)).cast(BigInteger).label(p) for p in COUNTED))
