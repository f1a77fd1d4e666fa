"""Accounts of points, what each order took and earned, and the ledger of points.

The rows of a batch are locked in order of the class: first what is known of its orders, then the
accounts these name. Whoever finds an account through an order therefore keeps to the same order.
"""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, DateTime, Identity, Index, Text, Uuid, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables of loyalty."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        int: BigInteger,
        datetime: DateTime(timezone=True),
    }


class OrderEarning(Base):
    """What one order earned. `reversed` without points is the tombstone of an early reversal.

    Of the `amount` that earned the points, `refunded` is paid back since, both in minor units; of
    `points`, `unrecovered` had been spent when they were to be taken back.
    """

    __tablename__ = "order_earnings"
    order_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    customer_id: Mapped[str]
    amount: Mapped[int]
    points: Mapped[int]
    refunded: Mapped[int]
    unrecovered: Mapped[int]
    state: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class OrderRedemption(Base):
    """What one order took, and how much of it was `returned` since. `restored` without points is
    the tombstone of an early undo."""

    __tablename__ = "order_redemptions"
    order_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    customer_id: Mapped[str]
    points: Mapped[int]
    returned: Mapped[int]
    state: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class PointsAccount(Base):
    """One customer: balance = earned - redeemed + restored - reversed + adjusted, never negative.

    The first four only grow; what support gives and takes adds up in `adjusted`.
    """

    __tablename__ = "points_accounts"
    customer_id: Mapped[str] = mapped_column(primary_key=True)
    balance: Mapped[int]
    earned: Mapped[int]
    redeemed: Mapped[int]
    restored: Mapped[int]
    reversed: Mapped[int]
    adjusted: Mapped[int]


class PointsEntry(Base):
    """Points that a customer was given, or that were taken (negative), and why. Never changed."""

    __tablename__ = "points_entries"
    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    customer_id: Mapped[str]
    order_id: Mapped[str | None] = mapped_column(Uuid(as_uuid=False))
    operation: Mapped[str]
    points: Mapped[int]
    reason: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        Index("points_entries_customer", "customer_id", "id"),
        Index(  # what comes back may come in parts
            "points_entries_once",
            "order_id",
            "operation",
            unique=True,
            postgresql_where="operation IN ('earn', 'redeem')",
        ),
        {"info": {"append_only": True}},
    )


class Adjustment(Base):
    """What somebody adjusted by hand under which key, and the balance that was answered."""

    __tablename__ = "adjustments"
    caller: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    points: Mapped[int]
    reason: Mapped[str]
    balance: Mapped[int]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
