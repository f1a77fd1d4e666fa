"""Contacts and users."""

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
    op.create_table(
        "contacts",
        sa.Column("contact_id", ID, primary_key=True),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("name", "email", "line1", "city", "postcode", "country")
        ),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.Column("claimed_at", TIME),
    )
    unclaimed = sa.text("claimed_at IS NULL")
    op.create_index("contacts_unclaimed", "contacts", ["created_at"], postgresql_where=unclaimed)
    op.create_table(
        "users",
        sa.Column("customer_id", sa.Text, primary_key=True),
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False, server_default=sa.func.now()),
    )
