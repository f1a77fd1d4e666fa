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
    places = ("on_hand", "reserved", "shipped", "received", "returned", "adjusted", "backordered")
    op.create_table(
        "stock",
        sa.Column("sku", sa.Text, primary_key=True),
        sa.Column("warehouse", sa.Text, sa.ForeignKey("warehouses.id"), primary_key=True),
        *(sa.Column(place, sa.BigInteger, nullable=False) for place in places),
        sa.CheckConstraint("least(on_hand, reserved, shipped, backordered) >= 0"),
        sa.CheckConstraint("on_hand + reserved + shipped = received + returned + adjusted"),
    )
    owed = sa.text("backordered > 0")
    op.create_index("stock_owed", "stock", ["sku"], postgresql_where=owed)


def _reservations() -> None:
    op.create_table(
        "reservations",
        sa.Column("order_id", ID, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("units", sa.JSON, nullable=False),
        sa.Column("returned", sa.JSON, nullable=False),
        sa.Column("parcels", sa.JSON, nullable=False),
        sa.Column("asked", sa.JSON),
        sa.Column("tell_at", TIME),
        sa.Column("at", TIME, nullable=False, server_default=sa.func.now()),
    )
    held, to_tell = sa.text("state = 'held'"), sa.text("tell_at IS NOT NULL")
    op.create_index("reservations_held", "reservations", ["at"], postgresql_where=held)
    op.create_index("reservations_to_tell", "reservations", ["tell_at"], postgresql_where=to_tell)
    op.create_table(
        "backorders",
        sa.Column("order_id", ID, primary_key=True),
        sa.Column("sku", sa.Text, primary_key=True),
        sa.Column("units", sa.BigInteger, nullable=False),
        sa.Column("since", TIME, nullable=False, server_default=sa.func.now()),
    )
    waiting = sa.text("units > 0")
    op.create_index("backorders_waiting", "backorders", ["sku", "since"], postgresql_where=waiting)


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
    op.create_index("stock_entries_order", "stock_entries", ["order_id"])
