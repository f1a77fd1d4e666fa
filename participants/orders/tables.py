"""Each order with its three statuses."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, DateTime, Index, Text, Uuid, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, load_only, mapped_column

from contracts.runtime.bulk import among
from contracts.runtime.session import BatchSession

ALL_LOADED = "lines and returns are loaded of all orders"


class Base(DeclarativeBase):
    """The tables of orders."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        datetime: DateTime(timezone=True),
        list[Any]: JSON,
        dict[str, Any]: JSON,
    }


class OrderRow(Base):
    """One order. A row without a customer is the memory of what came before its creation."""

    __tablename__ = "orders"
    id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    customer_id: Mapped[str]
    currency: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    lines: Mapped[list[Any]] = mapped_column(deferred=True)  # long, and read over HTTP alone
    payable: Mapped[dict[str, Any]]
    status: Mapped[str]
    payment_status: Mapped[str]
    fulfilment_status: Mapped[str]
    reason: Mapped[str]
    lock: Mapped[str]
    returned: Mapped[dict[str, Any]]
    refunded: Mapped[dict[str, Any]]  # minor units, by the id of the refund
    parcels: Mapped[dict[str, Any]]  # by number, of an order that is sent in several
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())

    __table_args__ = (Index("orders_customer", "customer_id", "id"),)


class ReturnRow(Base):
    """One return of an order: the units, and what is given back; `missing` when they were never
    sent. A `withdrawn` one without units is
    the tombstone of an early withdrawal."""

    __tablename__ = "returns"
    id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(Uuid(as_uuid=False))
    state: Mapped[str]
    units: Mapped[dict[str, Any]]
    amount: Mapped[int] = mapped_column(BigInteger)
    points: Mapped[int] = mapped_column(BigInteger)
    missing: Mapped[bool]
    at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (Index("returns_order", "order_id"),)


def load_whole(session: BatchSession) -> None:
    """Load, at the first call, the lines and the returns of all orders of the batch."""
    if ALL_LOADED in session.info:
        return
    session.info[ALL_LOADED] = True
    orders = [row.id for row in session.rows(OrderRow)]
    session.scalars(_LINES, {"among": orders}).all()  # the rows are here: this fills in their lines
    session.load(ReturnRow, set(session.scalars(_RETURNS, {"among": orders})))


_LINES = select(OrderRow).options(load_only(OrderRow.lines)).where(among(OrderRow.id))
_RETURNS = select(ReturnRow.id).where(among(ReturnRow.order_id))
