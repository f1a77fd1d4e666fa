"""Stock, reservations and the stock ledger."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from contracts.delivery.tables import create_delivery_tables

revision = "0001"
down_revision = None
TIME = sa.DateTime(timezone=True)
ID = sa.Uuid(as_uuid=False)


def upgrade() -> None:
    """Create the tables."""
    create_delivery_tables(op)
    places = ("on_hand", "reserved", "shipped", "received", "returned")
    op.create_table(
        "stock",
        sa.Column("sku", sa.Text, primary_key=True),
        *(sa.Column(place, sa.BigInteger, nullable=False) for place in places),
        sa.CheckConstraint("on_hand >= 0 AND reserved >= 0 AND shipped >= 0"),
        sa.CheckConstraint("on_hand + reserved + shipped = received + returned"),
    )
    op.create_table(
        "reservations",
        sa.Column("order_id", ID, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("units", JSONB, nullable=False),
        sa.Column("returned", JSONB, nullable=False),
        sa.Column("at", TIME, nullable=False, server_default=sa.func.now()),
    )
    op.create_table(
        "stock_entries",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("sku", sa.Text, nullable=False),
        sa.Column("order_id", ID),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False, server_default=sa.func.now()),
    )
    op.create_index("stock_entries_sku", "stock_entries", ["sku", "id"])
