"""The money ledger of an order over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from sqlalchemy import select

from contracts.runtime.access import Caller, allow
from contracts.runtime.database import Database
from participants.payments.tables import MoneyEntry

Reader = Annotated[Caller, Depends(allow("support", "operator"))]


def routes(db: Database) -> APIRouter:
    """The routes of payments."""
    router = APIRouter(tags=["payments"])

    @router.get("/ledgers/money/{order_id}")
    def ledger(order_id: UUID, caller: Reader) -> dict[str, Any]:
        """Every movement of money of one order, oldest first."""
        entries = MoneyEntry.__table__
        wanted = select(entries).where(entries.c.order_id == str(order_id)).order_by(entries.c.id)
        with db.transaction() as session:
            return {"entries": [_shown(row) for row in session.execute(wanted)]}

    return router


def _shown(row: Any) -> dict[str, Any]:
    return {
        "operation": row.operation,
        "debit": row.debit,
        "credit": row.credit,
        "money": {"amount": row.amount, "currency": row.currency},
        "reference": row.reference,
        "at": row.at,
    }
