"""Promotion codes, which order used which, and how often each customer did.

They are locked in the order of their class names: the order's use tells the code, and whoever holds
the code's row is alone with the counts of its customers, also with those that are not there yet.
"""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, DateTime, Text, Uuid, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables of promotions."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        int: BigInteger,
        datetime: DateTime(timezone=True),
    }


class Promotion(Base):
    """A code in upper case, with what it takes off the goods: a `share` of them in basis points, or
    an `amount` in minor units of `currency`.

    Valid from `valid_from` until just before `valid_until`, for goods of at least `least_goods`
    minor units (of the order's currency). `uses` counts the orders that have a use now.
    """

    __tablename__ = "promotions"
    code: Mapped[str] = mapped_column(primary_key=True)
    share: Mapped[int | None]
    amount: Mapped[int | None]
    currency: Mapped[str | None]
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime | None]
    most_uses: Mapped[int | None]
    most_uses_per_customer: Mapped[int | None]
    least_goods: Mapped[int]
    enabled: Mapped[bool]
    uses: Mapped[int]


class OrderUse(Base):
    """The use one order takes. `withdrawn` without a code is the tombstone of an early undo."""

    __tablename__ = "order_uses"
    order_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    code: Mapped[str]
    customer_id: Mapped[str]
    state: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class UsesByCustomer(Base):
    """How many orders of one customer have a use of one code now."""

    __tablename__ = "uses_by_customer"
    code: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(primary_key=True)
    uses: Mapped[int]
