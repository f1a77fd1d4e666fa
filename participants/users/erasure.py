"""What users keeps about a person, and what is left when the person is erased.

Erased are names and addresses, everywhere here; they stand nowhere else, and whoever keeps another
thing of a person hears `UserErased`. Customer and contact ids stay, for orders and books refer to
them and name nobody without these tables. The erasure counts for all that was written down before
it, also where it is learned only later whose that is.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from contracts.delivery import outbox
from contracts.messages.users import UserErased
from contracts.messages.values import CustomerId
from contracts.runtime.access import Caller
from contracts.runtime.session import BatchSession
from participants.users.tables import ContactRow, ErasedRow, ErasureEntry, UserRow

NAME = "users"
PERSONAL = ("name", "email", "line1", "city", "postcode", "country")
EXPORTED_MOST = 10_000


def erase(session: BatchSession, customer_id: str, caller: Caller) -> None:
    """Empty every contact of the customer, now or once it is claimed; again changes nothing here.

    What was done, or that nothing had been done before, is written down with who asked for it.
    """
    event = UserErased(customer_id=CustomerId(customer_id))
    outbox.put(session, event, subject=customer_id, source=NAME)
    told = insert(ErasedRow).values(customer_id=customer_id)
    since = {"at": func.greatest(ErasedRow.__table__.c.at, told.excluded.at)}
    known = session.scalar(select(ErasedRow.at).where(ErasedRow.customer_id == customer_id))
    session.execute(told.on_conflict_do_update(index_elements=["customer_id"], set_=since))
    contacts = empty_all(session, customer_id)
    if contacts or not known:
        who = {"customer_id": customer_id, "caller": caller.subject, "role": caller.role}
        session.execute(insert(ErasureEntry).values(**who, contacts=contacts))


def empty_all(session: BatchSession, customer_id: str | None = None) -> int:
    """Empty the contacts of the customer (or of all) from before the erasure; how many."""
    left = (
        update(ContactRow)
        .where(
            ContactRow.customer_id == ErasedRow.customer_id,
            ContactRow.created_at < ErasedRow.at,
            ContactRow.erased_at.is_(None),
        )
        .values(**dict.fromkeys(PERSONAL, ""), erased_at=ErasedRow.at)
    )
    if customer_id is not None:
        left = left.where(ErasedRow.customer_id == customer_id)
    return len(session.scalars(left.returning(ContactRow.contact_id)).all())


def empty(contact: ContactRow, at: datetime) -> None:
    """Leave nothing of a contact but its ids."""
    for name in PERSONAL:
        setattr(contact, name, "")
    contact.erased_at = at


def export(session: BatchSession, customer_id: str) -> dict[str, Any] | None:
    """Everything kept about a person, in JSON types; None when that is nothing."""
    user = session.get(UserRow, customer_id)
    contacts = _rows(session, ContactRow, ContactRow.contact_id, customer_id)
    erasures = _rows(session, ErasureEntry, ErasureEntry.id, customer_id)
    if not (user or contacts or erasures):
        return None
    names = ("contact_id", "caller", "key", "at")
    return {
        "customer_id": customer_id,
        "registration": {name: getattr(user, name) for name in names} if user else None,
        "contacts": contacts,
        "erasures": erasures,
    }


def _rows(session: BatchSession, mapped: Any, key: Any, customer_id: str) -> list[dict[str, Any]]:
    table = mapped.__table__
    told = [column for column in table.columns if column.name not in ("id", "customer_id")]
    found = select(*told).where(table.c.customer_id == customer_id).order_by(key)
    return [dict(row._mapping) for row in session.execute(found.limit(EXPORTED_MOST))]
