"""Checklists."""

import sqlalchemy as sa
from alembic import op

from contracts.delivery.tables import create_delivery_tables

revision = "0001"
down_revision = None
TIMES = ("started_at", "welcome_mail_at", "first_order_at", "preferences_at")


def upgrade() -> None:
    """Create the tables."""
    create_delivery_tables(op)
    op.create_table(
        "checklists",
        sa.Column("customer_id", sa.Text, primary_key=True),
        *(sa.Column(name, sa.DateTime(timezone=True)) for name in TIMES),
    )
