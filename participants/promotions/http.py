"""Promotion codes over HTTP: set one, look at it and at how often it was used."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import select, true
from sqlalchemy.dialects.postgresql import insert

from contracts.runtime.access import Caller, allow
from contracts.runtime.database import Database
from contracts.runtime.problems import Problem
from contracts.runtime.session import BatchSession
from participants.promotions.codes import CODE, WHOLE, spelled
from participants.promotions.tables import Promotion

MOST_LISTED = 500
MOST_MINOR_UNITS = 10**12
MOST_USES = 10**9
# Wide enough for every shop, and within what the database and Python both can say in every zone.
FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
Reader = Annotated[Caller, Depends(allow("shop", "support", "operator"))]
Keeper = Annotated[Caller, Depends(allow("shop", "operator"))]
Code = Annotated[str, Path(pattern=CODE)]
Cursor = Annotated[str, Query(max_length=64, pattern=r"^[^\x00-\x1f]*$")]
Limit = Annotated[int, Query(ge=1, le=MOST_LISTED)]
Moment = Annotated[AwareDatetime, Field(ge=FIRST, le=LAST)]
Uses = Annotated[int, Field(ge=1, le=MOST_USES)]


class PromotionBody(BaseModel):
    """What a code takes off, a share in basis points or an amount in a currency, and its limits."""

    model_config = ConfigDict(extra="forbid")
    share: int | None = Field(None, ge=1, le=WHOLE)
    amount: int | None = Field(None, ge=1, le=MOST_MINOR_UNITS)
    currency: str | None = Field(None, pattern=r"^[A-Z]{3}$")
    valid_from: Moment
    valid_until: Moment | None = None
    most_uses: Uses | None = None
    most_uses_per_customer: Uses | None = None
    least_goods: int = Field(0, ge=0, le=MOST_MINOR_UNITS)
    enabled: bool = True

    @model_validator(mode="after")
    def _agrees(self) -> "PromotionBody":
        if (self.share is None) == (self.amount is None):
            raise ValueError("give either share, in basis points, or amount, in minor units")
        if (self.amount is None) != (self.currency is None):
            raise ValueError("an amount is in a currency, and a share is in none")
        if self.valid_until and self.valid_until <= self.valid_from:
            raise ValueError("valid_until must be later than valid_from")
        return self


def routes(db: Database) -> APIRouter:
    """The routes of promotions."""
    router = APIRouter(tags=["promotions"])

    @router.put("/promotions/{code}")
    def put(code: Code, body: PromotionBody, caller: Keeper) -> dict[str, Any]:
        """Set what a code takes off and its limits; the count of its uses stays."""
        with db.transaction() as session:
            return _shown(_put(session, spelled(code), body))

    @router.get("/promotions")
    def listed(caller: Reader, cursor: Cursor = "", limit: Limit = 100) -> dict[str, Any]:
        """Every code, in their order, by cursor."""
        found = select(Promotion).where(Promotion.code > cursor).order_by(Promotion.code)
        with db.transaction() as session:
            rows = [_shown(row) for row in session.scalars(found.limit(limit))]
        return {"promotions": rows, "next": rows[-1]["code"] if len(rows) == limit else None}

    @router.get("/promotions/{code}")
    def look(code: Code, caller: Reader) -> dict[str, Any]:
        """One code, and how often it is used."""
        with db.transaction() as session:
            found = session.get(Promotion, spelled(code))
        if found is None:
            raise Problem(404, "not-found", "There is no such code")
        return _shown(found)

    return router


def _put(session: BatchSession, code: str, body: PromotionBody) -> Promotion:
    """Write it in one statement, so that no use slips in between the look and the change."""
    wanted = body.model_dump()
    new = insert(Promotion).values(code=code, uses=0, **wanted)
    fits = true() if body.most_uses is None else Promotion.uses <= body.most_uses
    either = new.on_conflict_do_update(index_elements=["code"], set_=wanted, where=fits)
    written: Promotion | None = session.scalar(either.returning(Promotion))
    if written is None:
        uses = session.get(Promotion, code).uses
        least = f"It is used {uses} times; most_uses cannot be less."
        raise Problem(409, "used-more-often", "The code is used more often than that", least)
    return written


def _shown(row: Promotion) -> dict[str, Any]:
    return {column.name: getattr(row, column.name) for column in Promotion.__table__.columns}
