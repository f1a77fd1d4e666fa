"""The index of orders."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

from contracts.delivery.tables import create_delivery_tables

revision = "0001"
down_revision = None
TABLE = "order_index"


def upgrade() -> None:
    """Create the tables."""
    create_delivery_tables(op)
    op.create_table(
        TABLE,
        sa.Column("order_id", sa.Uuid(as_uuid=False), primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("customer_id", "status")),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", TSVECTOR, nullable=False),
    )
    for name in ("customer", "status", "amount"):
        column = "customer_id" if name == "customer" else name
        op.create_index(f"order_index_{name}", TABLE, [column, "order_id"])
    op.create_index("order_index_words", TABLE, ["words"], postgresql_using="gin")
