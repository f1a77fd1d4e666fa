"""The event log, and what became of each event at each subscriber."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, DateTime, Index, Text, Uuid, false, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables of the trail."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSON,
    }


class EventRow(Base):
    """One event that was published."""

    __tablename__ = "events"
    id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    type: Mapped[str]
    at: Mapped[datetime]
    source: Mapped[str]
    subject: Mapped[str]
    saga: Mapped[str | None]
    cause: Mapped[str | None]
    logged_at: Mapped[datetime] = mapped_column(server_default=func.now())
    envelope: Mapped[dict[str, Any]]

    __table_args__ = (
        Index("events_subject", "subject", "id"),
        Index("events_type", "type", "id"),
        {"info": {"append_only": True}},
    )


class Joined(Base):
    """Since when a subscriber is known for an event, and whether older events were filled in."""

    __tablename__ = "joined"
    event: Mapped[str] = mapped_column(primary_key=True)
    subscriber: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    filled: Mapped[bool] = mapped_column(server_default=false())


class Delivery(Base):
    """What became of one event at one subscriber.

    `asked` counts how often it was sent again; `ask_at` is when that is due, null once it is final.
    """

    __tablename__ = "deliveries"
    event_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    subscriber: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    attempts: Mapped[int]
    reason: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    asked: Mapped[int]
    ask_at: Mapped[datetime | None]

    __table_args__ = (
        Index("deliveries_ask", "ask_at", postgresql_where="ask_at IS NOT NULL"),
        Index("deliveries_open", "subscriber", "state", postgresql_where="state <> 'handled'"),
    )
