"""What is wrapped."""

import sqlalchemy as sa
from alembic import op

from contracts.delivery.tables import create_delivery_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    create_delivery_tables(op)
    op.create_table("gifts", sa.Column("order_id", sa.Uuid(as_uuid=False), primary_key=True))
