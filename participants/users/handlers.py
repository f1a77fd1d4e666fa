"""START HERE: what users does by itself: keep the contacts of orders, clear what nobody claims,
and see that nothing is left of who was erased."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy import delete, func, select

from contracts.delivery.service import Rows, Service
from contracts.messages.orders import OrderConfirmed
from contracts.runtime.session import BatchSession
from participants.users import erasure
from participants.users.tables import ContactRow, ErasedRow

users = Service(erasure.NAME)
UNCLAIMED_FOR = timedelta(days=30)
CLEARED_AT_ONCE = 200


def _contacts(events: Sequence[OrderConfirmed]) -> Iterable[Rows]:
    return (
        (ContactRow, {event.contact_id for event in events}),
        (ErasedRow, {event.customer_id for event in events}),
    )


@users.on(OrderConfirmed, loads=_contacts)
def claim(event: OrderConfirmed, session: BatchSession) -> None:
    """A confirmed order needs its contact for as long as there are books to keep, unless its
    customer was erased meanwhile."""
    contact = session.get(ContactRow, event.contact_id)
    if contact is None:
        return
    contact.claimed_at = contact.claimed_at or session.info["envelope"].at
    contact.customer_id = contact.customer_id or event.customer_id
    erased = session.get(ErasedRow, event.customer_id)
    if erased and contact.created_at < erased.at and not contact.erased_at:
        erasure.empty(contact, erased.at)


@users.chore(every=timedelta(hours=1))
def clear(session: BatchSession) -> int:
    """Remove contacts that no confirmed order or user has claimed for long."""
    old = (
        select(ContactRow.contact_id)
        .where(ContactRow.claimed_at.is_(None), ContactRow.created_at < func.now() - UNCLAIMED_FOR)
        .limit(CLEARED_AT_ONCE)
    )
    removed = delete(ContactRow).where(ContactRow.contact_id.in_(old))
    return len(session.scalars(removed.returning(ContactRow.contact_id)).all())


@users.chore(every=timedelta(hours=1))
def erase_late(session: BatchSession) -> int:
    """Empty what was claimed at the very time its customer was erased."""
    return erasure.empty_all(session)
