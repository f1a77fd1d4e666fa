"""Notification preferences over HTTP: which mails a customer wants."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from contracts.runtime.access import Caller, Customer, allow, own
from contracts.runtime.database import Database
from contracts.runtime.session import BatchSession
from side_effects.email.kinds import CHANNEL, KINDS, Channel, Kind
from side_effects.email.tables import Preference

Reader = Annotated[Caller, Depends(allow("customer", "support", "shop"))]


class Wish(BaseModel):
    """Whether mails of a kind are wanted."""

    model_config = ConfigDict(extra="forbid")
    kind: Kind
    channel: Channel = CHANNEL
    wanted: bool


class WishesBody(BaseModel):
    """What is wanted from now on; what is not named stays as it is. Of two alike, the last."""

    model_config = ConfigDict(extra="forbid")
    preferences: list[Wish] = Field(min_length=1, max_length=20)


def routes(db: Database) -> APIRouter:
    """The routes of email."""
    router = APIRouter(tags=["preferences"])

    @router.get("/preferences/{customer_id}")
    def look(customer_id: Customer, caller: Reader) -> dict[str, Any]:
        """Which mails a customer wants; who never said anything wants all."""
        own(customer_id, caller)
        with db.transaction() as session:
            return _shown(session, customer_id)

    @router.put("/preferences/{customer_id}")
    def change(customer_id: Customer, body: WishesBody, caller: Reader) -> dict[str, Any]:
        """Say which mails a customer wants; what is on its way is sent all the same."""
        own(customer_id, caller)
        with db.transaction() as session:
            _write(session, customer_id, body.preferences)
            return _shown(session, customer_id)

    return router


def _write(session: BatchSession, customer_id: str, wishes: list[Wish]) -> None:
    latest = {wish.kind: wish.wanted for wish in wishes}
    rows = [{"customer_id": customer_id, "kind": k, "wanted": latest[k]} for k in sorted(latest)]
    told = insert(Preference).values(rows)
    key = ("customer_id", "kind")
    session.execute(
        told.on_conflict_do_update(index_elements=key, set_={"wanted": told.excluded.wanted})
    )


def _shown(session: BatchSession, customer_id: str) -> dict[str, Any]:
    found = session.scalars(select(Preference).where(Preference.customer_id == customer_id))
    said = {row.kind: row.wanted for row in found}
    wishes = [{"kind": k, "channel": CHANNEL, "wanted": said.get(k, True)} for k in KINDS]
    return {"customer_id": customer_id, "preferences": wishes}
