"""The endpoints of shops, and what each was told."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ARRAY, JSON, DateTime, Index, Text, Uuid, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables of webhooks."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {str: Text, datetime: DateTime(timezone=True)}


class Endpoint(Base):
    """Where a shop wants to be told which events.

    `failing_since` is the first of the failures since it last took something. A disabled one is
    told nothing, and of what happens meanwhile nothing is noted.
    """

    __tablename__ = "endpoints"
    id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    url: Mapped[str]
    secret: Mapped[str]
    events: Mapped[list[str]] = mapped_column(ARRAY(Text))
    enabled: Mapped[bool]
    failing_since: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    disabled_because: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class Delivery(Base):
    """One event for one endpoint: `waiting`, `sending`, `delivered` or `given up`.

    `at` is when that was last so; `due_at`, when it is posted next, is empty while it is not to be.
    """

    __tablename__ = "webhook_deliveries"
    endpoint_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    event_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    kind: Mapped[str]
    envelope: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str]
    attempts: Mapped[int]
    last_status: Mapped[int | None]
    last_error: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    due_at: Mapped[datetime | None] = mapped_column(server_default=func.now())

    __table_args__ = (
        Index(
            "webhook_deliveries_due",
            "endpoint_id",
            "due_at",
            postgresql_where="due_at IS NOT NULL",
        ),
    )
