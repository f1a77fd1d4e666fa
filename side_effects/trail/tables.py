"""The event log, what became of each event at each subscriber, and how it came to that."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, DateTime, Identity, Index, Text, Uuid, false, func, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

PENDING, HANDLED, IGNORED, RETRYING, DEAD = "pending", "handled", "ignored", "retrying", "dead"
FINAL = (HANDLED, IGNORED)
# What is not final, written out so that the database knows its index by it.
OPEN = "state IN ('pending', 'retrying', 'dead')"


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
    """Since when a subscriber is known for an event, and whether older events (of `since` on, where
    that is set) were filled in."""

    __tablename__ = "joined"
    event: Mapped[str] = mapped_column(primary_key=True)
    subscriber: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    since: Mapped[datetime | None]
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
        Index("deliveries_open", "subscriber", "state", "changed_at", postgresql_where=text(OPEN)),
    )


class ReceiptRow(Base):
    """One receipt that moved a delivery, unless it was handled at the first attempt: that is what
    nobody asks about."""

    __tablename__ = "receipts"
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    event_id: Mapped[str] = mapped_column(Uuid(as_uuid=False))
    subscriber: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    state: Mapped[str]
    attempt: Mapped[int]
    error: Mapped[str]

    __table_args__ = (
        Index("receipts_event", "event_id", "position"),
        {"info": {"append_only": True}},
    )


class Tally(Base):
    """How many deliveries at a subscriber ended so: what is final is counted once, as it comes."""

    __tablename__ = "tallies"
    subscriber: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
