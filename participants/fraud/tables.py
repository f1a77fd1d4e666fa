"""Rules, blocked cards, every check that was made, and the customers who had one."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, DateTime, Index, Text, Uuid, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables of fraud."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        datetime: DateTime(timezone=True),
        dict[str, int]: JSON,
    }


class RuleRow(Base):
    """A rule as it stands. What its limits are called depends on its kind (see `rules`)."""

    __tablename__ = "rules"
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    verdict: Mapped[str]
    limits: Mapped[dict[str, int]]
    enabled: Mapped[bool]


class BlockedCard(Base):
    """A card by its token at the provider; who blocked it, and why."""

    __tablename__ = "blocked_cards"
    token: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    by: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class Check(Base):
    """How one order was judged, for good. Velocity counts these rows."""

    __tablename__ = "checks"
    order_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    customer_id: Mapped[str]
    verdict: Mapped[str]
    rule: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (Index("checks_customer", "customer_id", "at"),)


class Customer(Base):
    """A customer with checks. The row is locked while an order is judged, so that two workers
    never count the customer's orders without each other's."""

    __tablename__ = "customers"
    customer_id: Mapped[str] = mapped_column(primary_key=True)
