"""Warehouses, stock, reservations and the stock ledger."""

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
    _stock()
    _reservations()
    _ledger()


def _stock() -> None:
    warehouses = op.create_table(
        "warehouses",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("rank", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(warehouses, [{"id": "main", "name": "Main", "rank": 1}])
    places = ("on_hand", "reserved", "shipped", "received", "returned", "adjusted")
    op.create_table(
        "stock",
        sa.Column("sku", sa.Text, primary_key=True),
        sa.Column("warehouse", sa.Text, sa.ForeignKey("warehouses.id"), primary_key=True),
        *(sa.Column(place, sa.BigInteger, nullable=False) for place in places),
        sa.CheckConstraint("on_hand >= 0 AND reserved >= 0 AND shipped >= 0"),
        sa.CheckConstraint("on_hand + reserved + shipped = received + returned + adjusted"),
    )


def _reservations() -> None:
    op.create_table(
        "reservations",
        sa.Column("order_id", ID, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("units", sa.JSON, nullable=False),
        sa.Column("returned", sa.JSON, nullable=False),
        sa.Column("at", TIME, nullable=False, server_default=sa.func.now()),
    )
    held = sa.text("state = 'held'")
    op.create_index("reservations_held", "reservations", ["at"], postgresql_where=held)


def _ledger() -> None:
    texts = ("sku", "warehouse")
    op.create_table(
        "adjustments",
        sa.Column("caller", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in texts),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False, server_default=sa.func.now()),
    )
    op.create_table(
        "stock_entries",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in texts),
        sa.Column("order_id", ID),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False, server_default=sa.func.now()),
    )
    op.create_index("stock_entries_sku", "stock_entries", ["sku", "id"])
