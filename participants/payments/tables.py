"""One payment for each order, and the money ledger."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, DateTime, Identity, Index, Text, Uuid, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables of payments."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {str: Text, datetime: DateTime(timezone=True)}


class Payment(Base):
    """Where the money of one order stands.

    `create_key` is the idempotency key of the hold; whatever repeats it repeats it under that key.
    `capture_key` is that of the latest capture. `taken` is the amount the capture asks for, then
    what was taken. `reference` is the provider's id, empty while we do not know it; `held` says
    whether the ledger was told of a hold. Amounts in minor units.
    """

    __tablename__ = "payments"
    order_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    state: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    taken: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    token: Mapped[str]
    create_key: Mapped[str]
    capture_key: Mapped[str]
    reference: Mapped[str]
    held: Mapped[bool]
    code: Mapped[str]
    reason: Mapped[str]
    asked_at: Mapped[datetime] = mapped_column(server_default=func.now())


class MoneyEntry(Base):
    """One movement of money between two accounts: its debit and its credit. Never changed."""

    __tablename__ = "money_entries"
    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    order_id: Mapped[str] = mapped_column(Uuid(as_uuid=False))
    operation: Mapped[str]
    debit: Mapped[str]
    credit: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    reference: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        Index("money_entries_once", "order_id", "operation", unique=True),
        {"info": {"append_only": True}},
    )
