"""Writes down names and addresses before the order that refers to them is accepted."""

from collections.abc import Sequence
from operator import itemgetter

from contracts.runtime.bulk import insert_rows
from contracts.runtime.contacts import Contact
from contracts.runtime.database import Database
from contracts.runtime.session import BatchSession
from participants.users.tables import ContactRow


def remember(db: Database, contacts: Sequence[Contact]) -> None:
    """Write these contacts in one statement and commit; a known id keeps what it has."""
    with db.transaction() as session:
        write(session, contacts)


def write(session: BatchSession, contacts: Sequence[Contact]) -> None:
    """Write these contacts with the transaction of `session`."""
    rows = sorted((vars(contact) for contact in contacts), key=itemgetter("contact_id"))
    insert_rows(session, ContactRow.__table__, rows, skip_known=True)
