"""Opting in and out of pushes over HTTP."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert

from contracts.runtime.access import Caller, Customer, allow, own
from contracts.runtime.database import Database
from side_effects.notifications.tables import PushTarget

Chooser = Annotated[Caller, Depends(allow("customer", "support", "shop"))]


class TargetBody(BaseModel):
    """Where pushes are to go: the gateway's name of a device, or a telephone number."""

    model_config = ConfigDict(extra="forbid")
    token: str = Field(min_length=1, max_length=500, pattern=r"^[\x21-\x7e]+$")
    channel: Literal["push", "sms"] = "push"


def routes(db: Database) -> APIRouter:
    """The routes of notifications."""
    router = APIRouter(tags=["preferences"])

    @router.put("/push/{customer_id}", status_code=204)
    def opt_in(customer_id: Customer, body: TargetBody, caller: Chooser) -> None:
        """Send this customer's pushes there, and nowhere else; the token is not shown again."""
        own(customer_id, caller)
        told = insert(PushTarget).values(customer_id=customer_id, **body.model_dump())
        changed = {"token": body.token, "channel": body.channel, "at": func.now()}
        with db.transaction() as session:
            key = ["customer_id"]
            session.execute(told.on_conflict_do_update(index_elements=key, set_=changed))

    @router.delete("/push/{customer_id}", status_code=204)
    def opt_out(customer_id: Customer, caller: Chooser) -> None:
        """Send this customer no push any more."""
        own(customer_id, caller)
        with db.transaction() as session:
            session.execute(delete(PushTarget).where(PushTarget.customer_id == customer_id))

    return router
