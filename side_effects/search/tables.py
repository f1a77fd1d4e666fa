"""The index: one row an order, with all it is searched by."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, DateTime, Index, Text, Uuid
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables of search."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        int: BigInteger,
        datetime: DateTime(timezone=True),
    }


class OrderIndex(Base):
    """What is known of one order. Ids begin with their time, so the newest order has the last id.

    `words` holds each SKU as a whole (`sku:…`), and the words of its SKUs and reasons. A row
    without a customer is the memory of what was heard before the order's creation.
    """

    __tablename__ = "order_index"
    order_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    customer_id: Mapped[str]
    status: Mapped[str]
    amount: Mapped[int]
    currency: Mapped[str]
    created_at: Mapped[datetime]
    words: Mapped[str] = mapped_column(TSVECTOR)

    __table_args__ = (
        Index("order_index_customer", "customer_id", "order_id"),
        Index("order_index_status", "status", "order_id"),
        Index("order_index_amount", "amount", "order_id"),
        Index("order_index_words", "words", postgresql_using="gin"),
    )
