"""Mails and what became of them; who wants which."""

import sqlalchemy as sa
from alembic import op

from contracts.delivery.tables import create_delivery_tables

revision = "0001"
down_revision = None
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    create_delivery_tables(op)
    op.create_table(
        "mails",
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False, server_default=sa.func.now()),
        sa.Column("sent_at", TIME),
    )
    op.create_table(
        "preferences",
        sa.Column("customer_id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("wanted", sa.Boolean, nullable=False),
    )
