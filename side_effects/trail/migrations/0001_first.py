"""The event log, deliveries, receipts and tallies."""

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
    _events()
    _joined()
    _deliveries()
    _receipts()


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", ID, primary_key=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("saga", sa.Text),
        sa.Column("cause", sa.Text),
        sa.Column("logged_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.Column("envelope", sa.JSON, nullable=False),
    )
    op.create_index("events_subject", "events", ["subject", "id"])
    op.create_index("events_type", "events", ["type", "id"])


def _joined() -> None:
    op.create_table(
        "joined",
        sa.Column("event", sa.Text, primary_key=True),
        sa.Column("subscriber", sa.Text, primary_key=True),
        sa.Column("at", TIME, nullable=False, server_default=sa.func.now()),
        sa.Column("since", TIME),
        sa.Column("filled", sa.Boolean, nullable=False, server_default=sa.false()),
    )


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("event_id", ID, primary_key=True),
        sa.Column("subscriber", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("changed_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.Column("asked", sa.Integer, nullable=False),
        sa.Column("ask_at", TIME),
    )
    asking = sa.text("ask_at IS NOT NULL")
    op.create_index("deliveries_ask", "deliveries", ["ask_at"], postgresql_where=asking)
    columns = ["subscriber", "state", "changed_at"]
    unfinished = sa.text("state IN ('pending', 'retrying', 'dead')")
    op.create_index("deliveries_open", "deliveries", columns, postgresql_where=unfinished)


def _receipts() -> None:
    op.create_table(
        "receipts",
        sa.Column("position", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("event_id", ID, nullable=False),
        sa.Column("subscriber", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False, server_default=sa.func.now()),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
    )
    op.create_index("receipts_event", "receipts", ["event_id", "position"])
    op.create_table(
        "tallies",
        sa.Column("subscriber", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
    )
