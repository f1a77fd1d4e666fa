"""Stock over HTTP: count it, look at it, and read its ledger."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from contracts.runtime.access import Caller, allow
from contracts.runtime.database import Database
from contracts.runtime.problems import Problem
from participants.inventory import stock
from participants.inventory.tables import Stock, StockEntry

LEDGER_MOST = 1000
BATCH_MOST = 500
SKU = r"^[^\x00-\x1f]+$"
Reader = Annotated[Caller, Depends(allow("shop", "support", "operator"))]
Keeper = Annotated[Caller, Depends(allow("shop", "operator"))]
Cursor = Annotated[str, Query(max_length=64, pattern=r"^[^\x00-\x1f]*$")]
Limit = Annotated[int, Query(ge=1, le=BATCH_MOST)]
Sku = Annotated[str, Path(min_length=1, max_length=64, pattern=SKU)]


class CountBody(BaseModel):
    """How many units are on hand."""

    model_config = ConfigDict(extra="forbid")
    quantity: int = Field(ge=0, le=1_000_000_000)


class SkuCount(CountBody):
    """How many units of one SKU are on hand."""

    sku: str = Field(min_length=1, max_length=64, pattern=SKU)


class CountsBody(BaseModel):
    """Counts of up to 500 SKUs; of one that stands twice, the last."""

    model_config = ConfigDict(extra="forbid")
    counts: list[SkuCount] = Field(min_length=1, max_length=BATCH_MOST)


def routes(db: Database) -> APIRouter:
    """The routes of inventory."""
    router = APIRouter(tags=["inventory"])
    _counting(router, db)
    _looking(router, db)
    return router


def _counting(router: APIRouter, db: Database) -> None:
    @router.put("/stock/{sku}")
    def count(sku: Sku, body: CountBody, caller: Keeper) -> dict[str, Any]:
        """Set what is on hand, as counted."""
        with db.transaction() as session:
            session.load(Stock, {sku})
            return _shown(stock.count(session, sku, body.quantity))

    @router.post("/stock:batch")
    def count_many(body: CountsBody, caller: Keeper) -> dict[str, Any]:
        """Set what is on hand of many SKUs, in one transaction."""
        wanted = {each.sku: each.quantity for each in body.counts}
        with db.transaction() as session:
            session.load(Stock, set(wanted))
            return {"stock": [_shown(stock.count(session, *each)) for each in wanted.items()]}


def _looking(router: APIRouter, db: Database) -> None:
    @router.get("/stock")
    def listed(caller: Reader, cursor: Cursor = "", limit: Limit = 100) -> dict[str, Any]:
        """What stands of every SKU, in their order, by cursor."""
        found = select(Stock).where(Stock.sku > cursor).order_by(Stock.sku).limit(limit)
        with db.transaction() as session:
            rows = [_shown(row) for row in session.scalars(found)]
        return {"stock": rows, "next": rows[-1]["sku"] if len(rows) == limit else None}

    @router.get("/stock/{sku}")
    def look(sku: Sku, caller: Reader) -> dict[str, Any]:
        """What is on hand, reserved and shipped."""
        with db.transaction() as session:
            found = session.get(Stock, sku)
            if found is None:
                raise Problem(404, "not-found", "There is no such SKU")
            return _shown(found)

    @router.get("/ledgers/stock/{sku}")
    def ledger(sku: Sku, caller: Reader) -> dict[str, Any]:
        """The latest movements of a SKU, oldest first."""
        entries = StockEntry.__table__
        latest = select(entries).where(entries.c.sku == sku).order_by(entries.c.id.desc())
        with db.transaction() as session:
            rows = session.execute(latest.limit(LEDGER_MOST)).all()
        return {"entries": [dict(row._mapping) for row in reversed(rows)]}


def _shown(row: Stock) -> dict[str, Any]:
    return {
        "sku": row.sku,
        "on_hand": row.on_hand,
        "reserved": row.reserved,
        "shipped": row.shipped,
        "received": row.received,
        "returned": row.returned,
    }
