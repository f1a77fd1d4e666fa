"""The checklists: when a customer began, and when each item was done."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables of onboarding."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {str: Text, datetime: DateTime(timezone=True)}


class Checklist(Base):
    """The first steps of one customer. One that did not start is of somebody who did not register,
    or whose registration was not heard of yet."""

    __tablename__ = "checklists"
    customer_id: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime | None]
    welcome_mail_at: Mapped[datetime | None]
    first_order_at: Mapped[datetime | None]
    preferences_at: Mapped[datetime | None]
