"""Which mails were decided and what became of them, and who wants which."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, Text, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables of email."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {str: Text, datetime: DateTime(timezone=True)}


class MailRow(Base):
    """One mail of a kind about an order or a customer, from its decision on.

    `state` is `to send`, `sent`, `not sent` or `not wanted`. The address stays with users.
    """

    __tablename__ = "mails"
    subject: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    reason: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]


class Preference(Base):
    """Whether a customer wants mails of a kind; who says nothing wants them."""

    __tablename__ = "preferences"
    customer_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    wanted: Mapped[bool]
