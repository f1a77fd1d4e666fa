"""What delivery needs: the schema of a service without tables of its own."""

from alembic import op

from contracts.delivery.tables import create_delivery_tables

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    create_delivery_tables(op)
