"""Where customers want to have pushes, and which were sent."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, Text, Uuid, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables of notifications."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {str: Text, datetime: DateTime(timezone=True)}


class PushTarget(Base):
    """The one target of a customer; who has none gets no push. `channel` is `push` or `sms`. It is
    personal, and stands here until the customer opts out or is erased."""

    __tablename__ = "push_targets"
    customer_id: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[str]
    channel: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class PushRow(Base):
    """The one push of an order: `sent`, or `off` when there was no gateway."""

    __tablename__ = "pushes"
    order_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    channel: Mapped[str]
    state: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
