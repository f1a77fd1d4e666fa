"""Shipments."""

import sqlalchemy as sa
from alembic import op

from contracts.delivery.tables import create_delivery_tables

revision = "0001"
down_revision = None
ID = sa.Uuid(as_uuid=False)


def upgrade() -> None:
    """Create the tables."""
    create_delivery_tables(op)
    op.create_table(
        "shipments",
        sa.Column("order_id", ID, primary_key=True),
        sa.Column("contact_id", ID, nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("state", "key", "carrier", "tracking", "reason")
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )
