"""Accounts of points, what orders took and earned, the ledger of points, adjustments by hand."""

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
    _points_accounts()
    _orders()
    _points_entries()
    _adjustments()


def _points_accounts() -> None:
    growing = ("earned", "redeemed", "restored", "reversed")
    op.create_table(
        "points_accounts",
        sa.Column("customer_id", sa.Text, primary_key=True),
        *(
            sa.Column(counter, sa.BigInteger, nullable=False)
            for counter in ("balance", *growing, "adjusted")
        ),
        sa.CheckConstraint("balance >= 0"),
        sa.CheckConstraint("balance = earned - redeemed + restored - reversed + adjusted"),
        sa.CheckConstraint(" AND ".join(f"{counter} >= 0" for counter in growing)),
    )


def _orders() -> None:
    op.create_table(
        "order_redemptions",
        sa.Column("order_id", ID, primary_key=True),
        sa.Column("customer_id", sa.Text, nullable=False),
        sa.Column("points", sa.BigInteger, nullable=False),
        sa.Column("returned", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False, server_default=sa.func.now()),
        sa.CheckConstraint("returned BETWEEN 0 AND points"),
    )
    op.create_table(
        "order_earnings",
        sa.Column("order_id", ID, primary_key=True),
        sa.Column("customer_id", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("points", sa.BigInteger, nullable=False),
        sa.Column("refunded", sa.BigInteger, nullable=False),
        sa.Column("unrecovered", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False, server_default=sa.func.now()),
        sa.CheckConstraint("refunded BETWEEN 0 AND amount"),
        sa.CheckConstraint("unrecovered BETWEEN 0 AND points"),
    )


def _points_entries() -> None:
    op.create_table(
        "points_entries",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("customer_id", sa.Text, nullable=False),
        sa.Column("order_id", ID),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("points", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False, server_default=sa.func.now()),
        sa.CheckConstraint("points <> 0"),
    )
    op.create_index("points_entries_customer", "points_entries", ["customer_id", "id"])
    once = ["order_id", "operation"]
    whole = sa.text("operation IN ('earn', 'redeem')")  # what comes back may come in parts
    op.create_index(
        "points_entries_once", "points_entries", once, unique=True, postgresql_where=whole
    )


def _adjustments() -> None:
    op.create_table(
        "adjustments",
        sa.Column("caller", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("customer_id", "reason")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("points", "balance")),
        sa.Column("at", TIME, nullable=False, server_default=sa.func.now()),
    )
