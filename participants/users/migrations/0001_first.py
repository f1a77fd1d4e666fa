"""Contacts, users, and who was erased."""

import sqlalchemy as sa
from alembic import op

from contracts.delivery.tables import create_delivery_tables

revision = "0001"
down_revision = None
TIME = sa.DateTime(timezone=True)
ID = sa.Uuid(as_uuid=False)


def upgrade() -> None:
    """Create the tables."""
    create_delivery_tables(op)
    _contacts()
    _users()
    _erasures()


def _contacts() -> None:
    op.create_table(
        "contacts",
        sa.Column("contact_id", ID, primary_key=True),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("name", "email", "line1", "city", "postcode", "country")
        ),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.Column("claimed_at", TIME),
        sa.Column("customer_id", sa.Text),
        sa.Column("erased_at", TIME),
    )
    unclaimed = sa.text("claimed_at IS NULL")
    op.create_index("contacts_unclaimed", "contacts", ["created_at"], postgresql_where=unclaimed)
    known = sa.text("customer_id IS NOT NULL")
    op.create_index("contacts_customer", "contacts", ["customer_id"], postgresql_where=known)


def _users() -> None:
    op.create_table(
        "users",
        sa.Column("customer_id", sa.Text, primary_key=True),
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False, server_default=sa.func.now()),
    )


def _erasures() -> None:
    op.create_table(
        "erased",
        sa.Column("customer_id", sa.Text, primary_key=True),
        sa.Column("at", TIME, nullable=False, server_default=sa.func.now()),
    )
    op.create_table(
        "erasure_entries",
        sa.Column("id", sa.Integer, sa.Identity(always=True), primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("customer_id", "caller", "role")),
        sa.Column("contacts", sa.Integer, nullable=False),
        sa.Column("at", TIME, nullable=False, server_default=sa.func.now()),
    )
    op.create_index("erasure_entries_customer", "erasure_entries", ["customer_id", "id"])
