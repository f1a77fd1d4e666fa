"""Payments and the money ledger."""

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
    _payments()
    _money_entries()


def _payments() -> None:
    op.create_table(
        "payments",
        sa.Column("order_id", ID, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("taken", sa.BigInteger, nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("currency", "token", "create_key", "capture_key", "reference")
        ),
        sa.Column("held", sa.Boolean, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("asked_at", TIME, nullable=False, server_default=sa.func.now()),
    )


def _money_entries() -> None:
    op.create_table(
        "money_entries",
        sa.Column("id", sa.Integer, sa.Identity(always=True), primary_key=True),
        sa.Column("order_id", ID, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("operation", "debit", "credit")),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False, server_default=sa.func.now()),
        sa.CheckConstraint("amount >= 0 AND debit <> credit"),
    )
    op.create_index("money_entries_once", "money_entries", ["order_id", "operation"], unique=True)
