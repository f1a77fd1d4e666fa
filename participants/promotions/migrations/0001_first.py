"""Promotions, their uses by order and by customer."""

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
    _promotions()
    _uses()


def _promotions() -> None:
    op.create_table(
        "promotions",
        sa.Column("code", sa.Text, primary_key=True),
        sa.Column("share", sa.BigInteger),
        sa.Column("amount", sa.BigInteger),
        sa.Column("currency", sa.Text),
        sa.Column("valid_from", TIME, nullable=False),
        sa.Column("valid_until", TIME),
        sa.Column("most_uses", sa.BigInteger),
        sa.Column("most_uses_per_customer", sa.BigInteger),
        sa.Column("least_goods", sa.BigInteger, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("uses", sa.BigInteger, nullable=False),
        sa.CheckConstraint("code = upper(code)"),
        sa.CheckConstraint("(share IS NULL) <> (amount IS NULL)"),
        sa.CheckConstraint("(amount IS NULL) = (currency IS NULL)"),
        sa.CheckConstraint("share BETWEEN 1 AND 10000 OR amount > 0"),
        sa.CheckConstraint("uses >= 0 AND uses <= most_uses"),
    )


def _uses() -> None:
    op.create_table(
        "order_uses",
        sa.Column("order_id", ID, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("code", "customer_id", "state")),
        sa.Column("at", TIME, nullable=False, server_default=sa.func.now()),
    )
    op.create_table(
        "uses_by_customer",
        sa.Column("code", sa.Text, primary_key=True),
        sa.Column("customer_id", sa.Text, primary_key=True),
        sa.Column("uses", sa.BigInteger, nullable=False),
        sa.CheckConstraint("uses >= 0"),
    )
