"""Payments, captures, refunds and their limits, the money ledger, and the provider's reports."""

import sqlalchemy as sa
from alembic import op

from contracts.delivery.tables import create_delivery_tables

revision = "0001"
down_revision = None
TIME = sa.DateTime(timezone=True)
ID = sa.Uuid(as_uuid=False)
FLAGS = ("held", "renewed", "in_parts", "closing")


def upgrade() -> None:
    """Create the tables."""
    create_delivery_tables(op)
    _payments()
    _captures()
    _refunds()
    _refund_limits()
    _webhooks()
    _money_entries()


def _payments() -> None:
    op.create_table(
        "payments",
        sa.Column("order_id", ID, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        *(
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("amount", "taken", "refunded", "refunding", "let_off")
        ),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("currency", "token", "create_key", "capture_key", "reference")
        ),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("action_url", "return_id")),
        *(sa.Column(name, sa.Boolean, nullable=False) for name in FLAGS),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("code", "reason", "told")),
        sa.Column("waiting", sa.JSON),
        sa.Column("asked_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.CheckConstraint("refunded >= 0 AND refunding >= 0 AND refunded + refunding <= taken"),
    )


def _captures() -> None:
    op.create_table(
        "captures",
        sa.Column("order_id", ID, primary_key=True),
        sa.Column("parcel", sa.Integer, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("key", "return_id", "code", "reason", "told")
        ),
        sa.Column("asked_at", TIME, nullable=False),
    )


def _refunds() -> None:
    op.create_table(
        "refunds",
        sa.Column("order_id", ID, primary_key=True),
        sa.Column("refund_id", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("key", "reference", "code", "reason", "told")
        ),
        sa.Column("waiting", sa.JSON),
        sa.Column("asked_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.CheckConstraint("amount > 0"),
    )


def _refund_limits() -> None:
    op.create_table(
        "refund_limits",
        sa.Column("id", sa.Integer, sa.Identity(always=True), primary_key=True),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False, server_default=sa.func.now()),
        sa.CheckConstraint("amount >= 0"),
    )
    op.create_index("refund_limits_latest", "refund_limits", ["currency", "id"])


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("event_id", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("type", "reference", "order_id")),
        sa.Column("at", TIME, nullable=False, server_default=sa.func.now()),
    )


def _money_entries() -> None:
    op.create_table(
        "money_entries",
        sa.Column("id", sa.Integer, sa.Identity(always=True), primary_key=True),
        sa.Column("order_id", ID, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("operation", "part")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("debit", "credit")),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False, server_default=sa.func.now()),
        sa.CheckConstraint("amount >= 0 AND debit <> credit"),
    )
    once = ["order_id", "operation", "part"]
    op.create_index("money_entries_once", "money_entries", once, unique=True)
