"""What the CRM was told."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, Text, Uuid, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables of crm."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {str: Text, datetime: DateTime(timezone=True)}


class PostRow(Base):
    """One event that the CRM took."""

    __tablename__ = "posts"
    event_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    subject: Mapped[str]
    kind: Mapped[str]
    sent_at: Mapped[datetime] = mapped_column(server_default=func.now())
