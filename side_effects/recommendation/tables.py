"""Who bought what, and what was bought together."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, Index, Text, Uuid, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables of recommendation."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {str: Text, datetime: DateTime(timezone=True)}


class Bought(Base):
    """How many orders of a customer had a SKU."""

    __tablename__ = "bought"
    customer_id: Mapped[str] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(primary_key=True)
    orders: Mapped[int]


class Together(Base):
    """How many orders had both SKUs; `sku` sorts before `other`."""

    __tablename__ = "together"
    sku: Mapped[str] = mapped_column(primary_key=True)
    other: Mapped[str] = mapped_column(primary_key=True)
    orders: Mapped[int]

    __table_args__ = (Index("together_other", "other"),)


class LookedAt(Base):
    """In how many orders a SKU was among those looked at for pairs, and so in `Together`."""

    __tablename__ = "looked_at"
    sku: Mapped[str] = mapped_column(primary_key=True)
    orders: Mapped[int]


class AppliedOrder(Base):
    """One order that was learned from."""

    __tablename__ = "applied_orders"
    order_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
