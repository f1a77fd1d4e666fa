"""Rules with their defaults, blocked cards, checks and customers."""

import sqlalchemy as sa
from alembic import op

from contracts.delivery.tables import create_delivery_tables

revision = "0001"
down_revision = None
TIME = sa.DateTime(timezone=True)
ID = sa.Uuid(as_uuid=False)
TEN_THOUSAND = 1_000_000  # in minor units
DEFAULTS = (
    ("blocked-card", "blocked_card", "reject", {}),
    ("country-mismatch", "country_mismatch", "review", {}),
    ("high-value", "amount", "review", dict.fromkeys(("EUR", "GBP", "USD"), TEN_THOUSAND)),
    ("velocity", "velocity", "review", {"orders": 20, "seconds": 3600}),
)


def upgrade() -> None:
    """Create the tables, and the rules one begins with."""
    create_delivery_tables(op)
    _rules()
    _blocked_cards()
    _checks()
    op.create_table("customers", sa.Column("customer_id", sa.Text, primary_key=True))


def _rules() -> None:
    rules = op.create_table(
        "rules",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("limits", sa.JSON, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.CheckConstraint("kind IN ('velocity', 'amount', 'country_mismatch', 'blocked_card')"),
        sa.CheckConstraint("verdict IN ('review', 'reject')"),
    )
    names = ("id", "kind", "verdict", "limits")
    rows = [dict(zip(names, default, strict=True)) for default in DEFAULTS]
    op.bulk_insert(rules, [{**row, "enabled": True} for row in rows])


def _blocked_cards() -> None:
    op.create_table(
        "blocked_cards",
        sa.Column("token", sa.Text, primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False, server_default=sa.func.now()),
    )


def _checks() -> None:
    op.create_table(
        "checks",
        sa.Column("order_id", ID, primary_key=True),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("customer_id", "verdict", "rule", "reason")
        ),
        sa.Column("at", TIME, nullable=False, server_default=sa.func.now()),
    )
    op.create_index("checks_customer", "checks", ["customer_id", "at"])
