"""Shipments and carriers over HTTP; a change of a carrier holds from the next choice on."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from contracts.runtime.access import Caller, allow
from contracts.runtime.database import Database
from contracts.runtime.problems import Problem
from participants.shipping.tables import CarrierRow, Shipment

COUNTRIES_MOST, RANK_MOST = 300, 1_000_000
SHOWN = (
    *("order_id", "parcel", "state", "speed", "carrier", "tracking", "progress"),
    *("reason", "quotes", "tried", "at"),
)
Reader = Annotated[Caller, Depends(allow("shop", "support", "operator"))]
Keeper = Annotated[Caller, Depends(allow("operator"))]
CarrierId = Annotated[str, Path(min_length=1, max_length=50, pattern=r"^[a-z0-9\-]+$")]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class CarrierBody(BaseModel):
    """A carrier as it shall stand; no countries named means that it serves every one."""

    model_config = ConfigDict(extra="forbid")
    path: str = Field(max_length=100, pattern=r"^[a-z0-9_\-]+(/[a-z0-9_\-]+)*$")
    rank: int = Field(ge=0, le=RANK_MOST, strict=True)
    countries: list[Country] = Field(max_length=COUNTRIES_MOST)
    enabled: bool


def routes(db: Database) -> APIRouter:
    """The routes of shipping."""
    router = APIRouter(tags=["shipping"])

    @router.get("/shipments/{order_id}")
    def look(order_id: UUID, caller: Reader) -> dict[str, Any]:
        """Where the parcel of an order stands, who carries it, and what the others wanted; of an
        order that is sent in several `parcels`, each of them."""
        of = select(Shipment).where(Shipment.order_id == str(order_id)).order_by(Shipment.parcel)
        with db.transaction() as session:
            found = [_of_parcel(shipment) for shipment in session.scalars(of)]
        if not found:
            raise Problem(404, "not-found", "There is no shipment of this order")
        return {**found[0], "parcels": found[1:]}

    @router.get("/carriers")
    def carriers(caller: Reader) -> dict[str, Any]:
        """Every carrier by rank, those that are not enabled too."""
        ranked = select(CarrierRow).order_by(CarrierRow.rank, CarrierRow.id)
        with db.transaction() as session:
            return {"carriers": [_shown(row) for row in session.scalars(ranked)]}

    @router.put("/carriers/{carrier_id}")
    def change(carrier_id: CarrierId, body: CarrierBody, caller: Keeper) -> dict[str, Any]:
        """Set where a carrier answers, whom it serves, its rank, and whether it is enabled."""
        said = body.model_dump()
        row = insert(CarrierRow).values(id=carrier_id, **said)
        with db.transaction() as session:
            session.execute(row.on_conflict_do_update(index_elements=["id"], set_=said))
            return _shown(session.get(CarrierRow, carrier_id))

    return router


def _of_parcel(shipment: Shipment) -> dict[str, Any]:
    return {name: getattr(shipment, name) for name in SHOWN}


def _shown(row: CarrierRow) -> dict[str, Any]:
    return {column.name: getattr(row, column.name) for column in CarrierRow.__table__.columns}
