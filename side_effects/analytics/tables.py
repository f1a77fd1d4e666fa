"""The reporting tables: sales, funnel, failures, customers' months, and what was applied."""

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Date, DateTime, Text, Uuid, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables of analytics."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        date: Date,
        int: BigInteger,
        datetime: DateTime(timezone=True),
    }


class SalesByDay(Base):
    """Confirmed orders of one day in one currency; the amount in minor units."""

    __tablename__ = "sales_by_day"
    day: Mapped[date] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    orders: Mapped[int]
    amount: Mapped[int]


class SalesBySku(Base):
    """What was sold of one SKU in one currency; the amount in minor units."""

    __tablename__ = "sales_by_sku"
    sku: Mapped[str] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    quantity: Mapped[int]
    amount: Mapped[int]


class Registrations(Base):
    """How many people registered on one day."""

    __tablename__ = "registrations"
    day: Mapped[date] = mapped_column(primary_key=True)
    people: Mapped[int]


class FunnelByDay(Base):
    """How many of the orders submitted on one day came to a step."""

    __tablename__ = "funnel_by_day"
    day: Mapped[date] = mapped_column(primary_key=True)
    step: Mapped[str] = mapped_column(primary_key=True)
    orders: Mapped[int]


class FailuresByDay(Base):
    """How many of the orders submitted on one day failed so, for this reason."""

    __tablename__ = "failures_by_day"
    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(primary_key=True)
    orders: Mapped[int]


class CustomerMonth(Base):
    """How many confirmed orders a customer placed in one month, named by its first day."""

    __tablename__ = "customer_months"
    customer_id: Mapped[str] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    orders: Mapped[int]


class Cohort(Base):
    """Of the customers whose first order was in one month: how many ordered in another, and how
    often; both named by their first day."""

    __tablename__ = "cohorts"
    first: Mapped[date] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    customers: Mapped[int]
    orders: Mapped[int]


class ReachedStep(Base):
    """One step, or kind of failure, that stands in the sums for an order."""

    __tablename__ = "reached_steps"
    order_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    step: Mapped[str] = mapped_column(primary_key=True)


class AppliedOrder(Base):
    """One order that stands in the sums of its day."""

    __tablename__ = "applied_orders"
    order_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    day: Mapped[date]
    currency: Mapped[str]
    amount: Mapped[int]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
