"""Stock over HTTP: count it, look at it, and read its ledger."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from contracts.runtime.access import Caller, allow
from contracts.runtime.database import Database
from contracts.runtime.problems import Problem
from participants.inventory import stock
from participants.inventory.tables import Stock, StockEntry

LEDGER_MOST = 1000
Reader = Annotated[Caller, Depends(allow("shop", "support", "operator"))]
Keeper = Annotated[Caller, Depends(allow("shop", "operator"))]
Sku = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f]+$")]


class CountBody(BaseModel):
    """How many units are on hand."""

    model_config = ConfigDict(extra="forbid")
    quantity: int = Field(ge=0, le=1_000_000_000)


def routes(db: Database) -> APIRouter:
    """The routes of inventory."""
    router = APIRouter(tags=["inventory"])

    @router.put("/stock/{sku}")
    def count(sku: Sku, body: CountBody, caller: Keeper) -> dict[str, Any]:
        """Set what is on hand, as counted."""
        with db.transaction() as session:
            session.load(Stock, {sku})
            return _shown(stock.count(session, sku, body.quantity))

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

    return router


def _shown(row: Stock) -> dict[str, Any]:
    return {
        "sku": row.sku,
        "on_hand": row.on_hand,
        "reserved": row.reserved,
        "shipped": row.shipped,
        "received": row.received,
    }
