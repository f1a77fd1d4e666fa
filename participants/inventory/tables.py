"""Stock by SKU and warehouse, what each order holds, and the stock ledger."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Placed = dict[str, dict[str, int]]


class Base(DeclarativeBase):
    """The tables of inventory."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        int: BigInteger,
        datetime: DateTime(timezone=True),
        Placed: JSON,
        dict[str, Any]: JSON,
        dict[str, Placed]: JSON,
    }


class Warehouse(Base):
    """Where stock is kept. Orders are served from the lowest `rank` first."""

    __tablename__ = "warehouses"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    rank: Mapped[int]


class Stock(Base):
    """One SKU at one warehouse, in units: on hand + reserved + shipped = received + returned +
    adjusted, at every instant. `backordered` are owed to orders that wait for them."""

    __tablename__ = "stock"
    sku: Mapped[str] = mapped_column(primary_key=True)
    warehouse: Mapped[str] = mapped_column(ForeignKey("warehouses.id"), primary_key=True)
    on_hand: Mapped[int]
    reserved: Mapped[int]
    shipped: Mapped[int]
    received: Mapped[int]
    returned: Mapped[int]
    adjusted: Mapped[int]
    backordered: Mapped[int]

    __table_args__ = (Index("stock_owed", "sku", postgresql_where=text("backordered > 0")),)


class Reservation(Base):
    """What one order holds by warehouse, the best one first, since when, and what each of its
    returns brought back. `released` without units is the tombstone of an early release. `asked` is
    the command of an order on backorder, and `tell_at` when it is answered (again). `parcels` by
    number, where it leaves in several: the units of each, and whether it is picked (they are held
    yet), shipped or put back."""

    __tablename__ = "reservations"
    order_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    state: Mapped[str]
    units: Mapped[Placed]
    returned: Mapped[dict[str, Placed]]
    parcels: Mapped[dict[str, Any]]
    asked: Mapped[dict[str, Any] | None]
    tell_at: Mapped[datetime | None]
    at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        Index("reservations_held", "at", postgresql_where=text("state = 'held'")),
        Index("reservations_to_tell", "tell_at", postgresql_where=text("tell_at IS NOT NULL")),
    )


class Backorder(Base):
    """Units of a SKU that an order waits for, since when; 0 once they are held for it."""

    __tablename__ = "backorders"
    order_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    sku: Mapped[str] = mapped_column(primary_key=True)
    units: Mapped[int]
    since: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        Index("backorders_waiting", "sku", "since", postgresql_where=text("units > 0")),
    )


class Adjustment(Base):
    """Units received or written off by hand, once under this key of this caller."""

    __tablename__ = "adjustments"
    caller: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    sku: Mapped[str]
    warehouse: Mapped[str]
    units: Mapped[int]
    reason: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class StockEntry(Base):
    """One movement of units of a SKU between places at a warehouse, and why. Never changed."""

    __tablename__ = "stock_entries"
    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    sku: Mapped[str]
    warehouse: Mapped[str]
    order_id: Mapped[str | None] = mapped_column(Uuid(as_uuid=False))
    reason: Mapped[str]
    units: Mapped[int]
    source: Mapped[str]
    target: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        Index("stock_entries_sku", "sku", "id"),
        Index("stock_entries_order", "order_id"),
        {"info": {"append_only": True}},
    )
