"""START HERE: what users does by itself: keep the contacts of orders, clear what nobody claims."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy import delete, func, select

from contracts.delivery.service import Rows, Service
from contracts.messages.orders import OrderConfirmed
from contracts.runtime.session import BatchSession
from participants.users.tables import ContactRow

users = Service("users")
UNCLAIMED_FOR = timedelta(days=30)
CLEARED_AT_ONCE = 200


def _contacts(events: Sequence[OrderConfirmed]) -> Iterable[Rows]:
    return ((ContactRow, {event.contact_id for event in events}),)


@users.on(OrderConfirmed, loads=_contacts)
def claim(event: OrderConfirmed, session: BatchSession) -> None:
    """A confirmed order needs its contact for as long as there are books to keep."""
    contact = session.get(ContactRow, event.contact_id)
    if contact and contact.claimed_at is None:
        contact.claimed_at = session.info["envelope"].at


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
