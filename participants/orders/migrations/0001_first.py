"""Orders."""

import sqlalchemy as sa
from alembic import op

from contracts.delivery.tables import create_delivery_tables

revision = "0001"
down_revision = None
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables."""
    create_delivery_tables(op)
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(as_uuid=False), primary_key=True),
        sa.Column("customer_id", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("lines", sa.JSON, nullable=False),
        sa.Column("payable", sa.JSON, nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("status", "payment_status", "fulfilment_status", "reason", "lock")
        ),
        sa.Column("returned", sa.JSON, nullable=False),
        sa.Column("refunded", sa.JSON, nullable=False),
        sa.Column("parcels", sa.JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.Column("changed_at", TIME, nullable=False, server_default=sa.func.now()),
    )
    op.create_index("orders_customer", "orders", ["customer_id", "id"])
    op.create_table(
        "returns",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("order_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("units", sa.JSON, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("points", sa.BigInteger, nullable=False),
        sa.Column("missing", sa.Boolean, nullable=False),
        sa.Column("at", TIME, nullable=False, server_default=sa.func.now()),
    )
    op.create_index("returns_order", "returns", ["order_id"])
