"""Nothing but what delivery needs."""

from alembic import op

from contracts.delivery.tables import create_delivery_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    create_delivery_tables(op)
