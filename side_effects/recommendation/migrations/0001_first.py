"""Profiles and pairs."""

import sqlalchemy as sa
from alembic import op

from contracts.delivery.tables import create_delivery_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    create_delivery_tables(op)
    _counted("bought", "customer_id", "sku")
    _counted("together", "sku", "other")
    _counted("looked_at", "sku")
    op.create_index("together_other", "together", ["other"])
    op.create_table(
        "applied_orders",
        sa.Column("order_id", sa.Uuid(as_uuid=False), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )


def _counted(table: str, *key: str) -> None:
    columns = [sa.Column(name, sa.Text, primary_key=True) for name in key]
    op.create_table(table, *columns, sa.Column("orders", sa.Integer, nullable=False))
