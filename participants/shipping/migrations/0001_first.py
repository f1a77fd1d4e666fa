"""Carriers with their defaults, and shipments."""

import sqlalchemy as sa
from alembic import op

from contracts.delivery.tables import create_delivery_tables

revision = "0001"
down_revision = None
ID = sa.Uuid(as_uuid=False)
TIME = sa.DateTime(timezone=True)
NEAR = ["BE", "DE", "ES", "FR", "GB", "IE", "IT", "NL", "PT"]
# Whoever states no wish goes with the first: it serves every country, so nobody has to ask which.
DEFAULTS = (("standard", []), ("royal", NEAR), ("swift", NEAR))


def upgrade() -> None:
    """Create the tables, and the carriers one begins with."""
    create_delivery_tables(op)
    _carriers()
    _shipments()


def _carriers() -> None:
    carriers = op.create_table(
        "carriers",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("countries", sa.JSON, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
    )
    rows = [
        {"id": name, "path": name, "rank": rank, "countries": countries, "enabled": True}
        for rank, (name, countries) in enumerate(DEFAULTS, start=1)
    ]
    op.bulk_insert(carriers, rows)


def _shipments() -> None:
    op.create_table(
        "shipments",
        sa.Column("order_id", ID, primary_key=True),
        sa.Column("parcel", sa.Integer, primary_key=True),
        sa.Column("contact_id", ID),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("state", "speed", "key", "carrier", "tracking", "reason")
        ),
        sa.Column("quotes", sa.JSON, nullable=False),
        sa.Column("tried", sa.JSON, nullable=False),
        sa.Column("under_way", sa.Integer, nullable=False),
        sa.Column("unanswered_at", TIME),
        sa.Column("stop", sa.JSON, nullable=False),
        sa.Column("parcels", sa.JSON, nullable=False),
        sa.Column("progress", sa.Text, nullable=False),
        sa.Column("look_at", TIME),
        sa.Column("at", TIME, nullable=False, server_default=sa.func.now()),
    )
    to_look_at = sa.text("look_at IS NOT NULL")
    op.create_index("shipments_to_look_at", "shipments", ["look_at"], postgresql_where=to_look_at)
