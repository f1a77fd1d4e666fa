"""One shipment for each order."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, Text, Uuid, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables of shipping."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {str: Text, datetime: DateTime(timezone=True)}


class Shipment(Base):
    """Where the parcel of one order stands. `key` is the idempotency key given to the carrier."""

    __tablename__ = "shipments"
    order_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    contact_id: Mapped[str] = mapped_column(Uuid(as_uuid=False))
    state: Mapped[str]
    key: Mapped[str]
    carrier: Mapped[str]
    tracking: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
