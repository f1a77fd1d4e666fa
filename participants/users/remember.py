"""Writes down names and addresses before the order that refers to them is accepted."""

from collections.abc import Mapping, Sequence
from operator import itemgetter

from contracts.messages.values import ContactId, CustomerId
from contracts.runtime.bulk import insert_rows
from contracts.runtime.contacts import Contact
from contracts.runtime.database import Database
from contracts.runtime.session import BatchSession
from participants.users.tables import ContactRow

Owners = Mapping[ContactId, CustomerId]


def remember(db: Database, contacts: Sequence[Contact], owners: Owners | None = None) -> None:
    """Write these contacts in one statement and commit; a known id keeps what it has.

    One whose owner is told is found when that customer is to be erased; of the others it is known
    once their order is confirmed.
    """
    with db.transaction() as session:
        write(session, contacts, owners or {})


def write(session: BatchSession, contacts: Sequence[Contact], owners: Owners) -> None:
    """Write these contacts with the transaction of `session`."""
    rows = [vars(each) | {"customer_id": owners.get(each.contact_id)} for each in contacts]
    rows.sort(key=itemgetter("contact_id"))
    insert_rows(session, ContactRow.__table__, rows, skip_known=True)
