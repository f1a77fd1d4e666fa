"""Stock by SKU, what each order holds, and the stock ledger."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, DateTime, Identity, Index, Text, Uuid, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables of inventory."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        int: BigInteger,
        datetime: DateTime(timezone=True),
        dict[str, int]: JSONB,
        dict[str, dict[str, int]]: JSONB,
    }


class Stock(Base):
    """One SKU: on hand + reserved + shipped = received + returned, at every instant. In units."""

    __tablename__ = "stock"
    sku: Mapped[str] = mapped_column(primary_key=True)
    on_hand: Mapped[int]
    reserved: Mapped[int]
    shipped: Mapped[int]
    received: Mapped[int]
    returned: Mapped[int]


class Reservation(Base):
    """What one order holds, and which units each of its returns brought back. `released` without
    units is the tombstone of an early release."""

    __tablename__ = "reservations"
    order_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    state: Mapped[str]
    units: Mapped[dict[str, int]]
    returned: Mapped[dict[str, dict[str, int]]]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class StockEntry(Base):
    """One movement of units of a SKU between places, and why. Never changed."""

    __tablename__ = "stock_entries"
    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    sku: Mapped[str]
    order_id: Mapped[str | None] = mapped_column(Uuid(as_uuid=False))
    reason: Mapped[str]
    units: Mapped[int]
    source: Mapped[str]
    target: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        Index("stock_entries_sku", "sku", "id"),
        {"info": {"append_only": True}},
    )
