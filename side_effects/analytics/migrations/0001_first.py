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
    _counts("funnel_by_day", day=sa.Date, step=sa.Text)
    _counts("failures_by_day", day=sa.Date, kind=sa.Text, reason=sa.Text)
    _counts("customer_months", customer_id=sa.Text, month=sa.Date)
    op.create_table(
        "cohorts",
        *(sa.Column(name, sa.Date, primary_key=True) for name in ("first", "month")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("customers", "orders")),
    )
    op.create_table(
        "reached_steps",
        sa.Column("order_id", sa.Uuid(as_uuid=False), primary_key=True),
        sa.Column("step", sa.Text, primary_key=True),
    )
    op.create_table(
        "registrations",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("people", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "applied_orders",
        sa.Column("order_id", sa.Uuid(as_uuid=False), primary_key=True),
        sa.Column("day", sa.Date, nullable=False),
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


def _counts(table: str, **key: type[sa.types.TypeEngine[object]]) -> None:
    columns = [sa.Column(name, kind, primary_key=True) for name, kind in key.items()]
    op.create_table(table, *columns, sa.Column("orders", sa.BigInteger, nullable=False))
