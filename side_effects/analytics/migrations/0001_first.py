"""The reporting tables."""

import sqlalchemy as sa
from alembic import op

from contracts.delivery.tables import create_delivery_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    create_delivery_tables(op)
    _sums("sales_by_day", (sa.Column("day", sa.Date, primary_key=True),), "orders")
    _sums("sales_by_sku", (sa.Column("sku", sa.Text, primary_key=True),), "quantity")
    op.create_table(
        "registrations",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("people", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "applied_orders",
        sa.Column("order_id", sa.Uuid(as_uuid=False), primary_key=True),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )


def _sums(table: str, key: tuple[sa.Column[object], ...], counted: str) -> None:
    op.create_table(
        table,
        *key,
        sa.Column("currency", sa.Text, primary_key=True),
        sa.Column(counted, sa.BigInteger, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
    )
