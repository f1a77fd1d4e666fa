"""Writes down names and addresses before the order that refers to them is accepted."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from contracts.runtime.contacts import Contact
from contracts.runtime.database import Database
from participants.users.tables import ContactRow


def remember(db: Database, contacts: Sequence[Contact]) -> None:
    """Write these contacts in one statement and commit; a known id keeps what it has."""
    with db.transaction() as session:
        write(session, contacts)


def write(session: Session, contacts: Sequence[Contact]) -> None:
    """Write these contacts with the transaction of `session`."""
    rows = sorted((asdict(contact) for contact in contacts), key=lambda row: row["contact_id"])
    session.execute(insert(ContactRow).on_conflict_do_nothing(), rows)
