"""Submissions, sagas, journal, reviews and audit."""

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
    _submissions()
    _sagas()
    _journal()
    _reviews()
    _audit()


def _submissions() -> None:
    op.create_table(
        "submissions",
        sa.Column("caller", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("order_id", ID, nullable=False),
        sa.Column("at", TIME, nullable=False),
    )


def _sagas() -> None:
    op.create_table(
        "sagas",
        sa.Column("id", ID, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("definition", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("subject", ID, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("failure", sa.Text, nullable=False),
        sa.Column("paused", sa.Boolean, nullable=False),
        sa.Column("retrying", sa.Boolean, nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.Column("wake_at", TIME),
        sa.Column("parent", ID),
        sa.Column("state", sa.JSON, nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
        postgresql_with={"fillfactor": 45},  # room for changes in the same page
    )
    begun, accepted = sa.text("status <> 'accepted'"), sa.text("status = 'accepted'")
    op.create_index("sagas_wake", "sagas", ["wake_at"], postgresql_where=begun)
    op.create_index("sagas_accepted", "sagas", ["id"], postgresql_where=accepted)
    op.create_index("sagas_status", "sagas", ["status", "id"])
    op.create_index("sagas_subject", "sagas", ["subject"])
    for name in ("paused", "retrying"):
        op.create_index(f"sagas_{name}", "sagas", ["id"], postgresql_where=sa.text(name))
    child = sa.text("parent IS NOT NULL")
    op.create_index("sagas_parent", "sagas", ["parent"], postgresql_where=child)
    failed, other = sa.text("failure <> ''"), sa.text("name <> 'order'")
    op.create_index("sagas_failed", "sagas", ["id", "failure"], postgresql_where=failed)
    op.create_index("sagas_other", "sagas", ["name", "id"], postgresql_where=other)


def _journal() -> None:
    op.create_table(
        "journal",
        sa.Column("saga_id", ID, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("at", TIME, nullable=False),
        sa.Column("input", sa.JSON, nullable=False),
        sa.Column("notes", sa.JSON, nullable=False),
        sa.Column("commands", sa.JSON, nullable=False),
    )


def _reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("saga_id", ID, nullable=False),
        sa.Column("subject", ID, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("until", TIME),
        sa.Column("choices", sa.JSON, nullable=False),
        sa.Column("otherwise", sa.Text, nullable=False),
        sa.Column("not_by", sa.JSON, nullable=False),
        sa.Column("claimed_by", sa.Text),
        sa.Column("claimed_at", TIME),
        sa.Column("closed_at", TIME),
        sa.Column("choice", sa.Text, nullable=False),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_index("ix_reviews_saga_id", "reviews", ["saga_id"])
    still = sa.text("closed_at IS NULL")
    op.create_index("reviews_open", "reviews", ["opened_at", "id"], postgresql_where=still)


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", TIME, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("by", "role", "action", "about")),
        *(sa.Column(name, ID) for name in ("saga_id", "subject")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("detail", "reason", "digest")),
        sa.Column("refused", sa.Boolean, nullable=False),
    )
    op.create_index("ix_audit_saga_id", "audit", ["saga_id"])
