"""Registering people, giving names and addresses to the services that may have them, and telling
people what is kept about them and erasing it."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from contracts.delivery import outbox
from contracts.messages.users import UserRegistered
from contracts.messages.values import ContactId, CustomerId, stamped
from contracts.runtime.access import Caller, Customer, allow, own
from contracts.runtime.bulk import among
from contracts.runtime.contacts import Contact
from contracts.runtime.database import Database
from contracts.runtime.problems import Problem
from contracts.runtime.session import BatchSession
from participants.users import erasure
from participants.users.handlers import users
from participants.users.remember import write
from participants.users.tables import ContactRow, UserRow

FIELDS = ("contact_id", "name", "email", "line1", "city", "postcode", "country")
Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f]*$")]
Registrar = Annotated[Caller, Depends(allow("shop", "support"))]
Internal = Annotated[Caller, Depends(allow("service"))]
Oneself = Annotated[Caller, Depends(allow("support", "customer"))]
Key = Annotated[
    str, Header(alias="Idempotency-Key", min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")
]


class UserBody(BaseModel):
    """A person who registers."""

    model_config = ConfigDict(extra="forbid")
    customer_id: Customer
    name: Text = Field(min_length=1)
    email: str = Field(max_length=254, pattern=r"^[^@\s\x00-\x1f<>]+@[^@\s\x00-\x1f<>]+$")
    line1: Text = ""
    city: Text = ""
    postcode: Text = ""
    country: str = Field("", pattern=r"^([A-Z]{2})?$")


class IdsBody(BaseModel):
    """Which contacts."""

    model_config = ConfigDict(extra="forbid")
    ids: list[UUID] = Field(max_length=1000)


def routes(db: Database) -> APIRouter:
    """The routes of users."""
    router = APIRouter(tags=["users"])
    _giving(router, db)
    _rights(router, db)
    return router


def _giving(router: APIRouter, db: Database) -> None:
    @router.post("/users", status_code=201)
    def register(body: UserBody, key: Key, caller: Registrar) -> dict[str, str]:
        """Register a person; publishes UserRegistered once, however often it is sent."""
        with db.transaction() as session:
            user = _register(session, body, caller.subject, key)
        if (user.caller, user.key) != (caller.subject, key):
            raise Problem(409, "registered", "This customer is registered already")
        return {"customer_id": user.customer_id, "contact_id": user.contact_id}

    @router.post("/internal/contacts", include_in_schema=False)
    def contacts(body: IdsBody, caller: Internal) -> list[dict[str, Any]]:
        """Names and addresses, for the services that reach people."""
        return [dict(row._mapping) for row in db.read(_WANTED, among=[*map(str, body.ids)])]


def _rights(router: APIRouter, db: Database) -> None:
    @router.get("/users/{customer_id}/export")
    def export(customer_id: Customer, caller: Oneself) -> dict[str, Any]:
        """Everything that is kept about a person here; a customer sees only itself."""
        own(customer_id, caller)
        with db.transaction() as session:
            found = erasure.export(session, customer_id)
        if found is None:
            raise _unknown()
        return found

    @router.delete("/users/{customer_id}", status_code=204)
    def erase(customer_id: Customer, caller: Oneself) -> None:
        """Erase a person's names and addresses, those of open orders too; what is left are ids that
        name nobody. An order that is not shipped yet then has no address."""
        own(customer_id, caller)
        with db.transaction() as session:
            erasure.erase(session, customer_id, caller)


_WANTED = select(*(getattr(ContactRow, name) for name in FIELDS)).where(
    among(ContactRow.__table__.c.contact_id)
)


def _unknown() -> Problem:
    return Problem(404, "not-found", "There is no such customer")


def _register(session: BatchSession, body: UserBody, caller: str, key: str) -> Any:
    contact_id = ContactId(stamped(datetime.now(UTC), "user", caller, key))
    row = {
        "customer_id": body.customer_id,
        "contact_id": contact_id,
        "caller": caller,
        "key": key,
    }
    new = session.scalar(
        insert(UserRow).values(row).on_conflict_do_nothing().returning(UserRow.customer_id)
    )
    if new:
        customer_id = CustomerId(body.customer_id)
        contact = Contact(contact_id=contact_id, **body.model_dump(exclude={"customer_id"}))
        write(session, [contact], {contact_id: customer_id})
        _claim(session, contact_id)
        event = UserRegistered(customer_id=customer_id, contact_id=contact_id)
        outbox.put(session, event, subject=contact_id, source=users.name)
    return session.get(UserRow, body.customer_id)


def _claim(session: BatchSession, contact_id: str) -> None:
    session.execute(
        update(ContactRow).where(ContactRow.contact_id == contact_id).values(claimed_at=func.now())
    )
