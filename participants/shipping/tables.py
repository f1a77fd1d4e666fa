"""The carriers there are, and one shipment for each parcel."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, DateTime, Index, Text, Uuid, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables of shipping."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        datetime: DateTime(timezone=True),
        list[str]: JSON,
        list[int]: JSON,
        list[dict[str, Any]]: JSON,
        dict[str, str]: JSON,
    }


class CarrierRow(Base):
    """A carrier as it stands: `path` below the carriers' address, `countries` it serves (none
    named: every one). Who states no wish goes with the first enabled one, by `rank`."""

    __tablename__ = "carriers"
    id: Mapped[str] = mapped_column(primary_key=True)
    path: Mapped[str]
    rank: Mapped[int]
    countries: Mapped[list[str]]
    enabled: Mapped[bool]


class Shipment(Base):
    """Where a parcel of an order stands: the only one (0), or one of several, numbered from 1.

    Of an order that is sent in several the shipment 0 names them, in `parcels`, and is stopped when
    all are.

    `key` is the idempotency key given to `carrier`, which is written here before it is asked.
    `tried` says of each carrier that was asked before why it does not take the parcel, empty where
    it could not be reached. `under_way` counts the hand-overs that were begun and whose outcome is
    not recorded; `unanswered_at` is when one last ended without an answer. `stop` is who want
    nothing to be sent. `progress` is what the carrier last told of the parcel, which is looked at
    again at `look_at`. A shipment that was stopped before it was started has no contact.
    """

    __tablename__ = "shipments"
    order_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    parcel: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[str | None] = mapped_column(Uuid(as_uuid=False))
    state: Mapped[str]
    speed: Mapped[str]
    key: Mapped[str]
    carrier: Mapped[str]
    tracking: Mapped[str]
    reason: Mapped[str]
    quotes: Mapped[list[dict[str, Any]]]
    tried: Mapped[dict[str, str]]
    under_way: Mapped[int]
    unanswered_at: Mapped[datetime | None]
    stop: Mapped[list[str]]
    parcels: Mapped[list[int]]
    progress: Mapped[str]
    look_at: Mapped[datetime | None]
    at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        Index("shipments_to_look_at", "look_at", postgresql_where="look_at IS NOT NULL"),
    )
