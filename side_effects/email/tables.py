"""Which mails were sent."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, Index, Text, Uuid, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables of email."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {str: Text, datetime: DateTime(timezone=True)}


class MailRow(Base):
    """One mail that the mail server took: at most one of a kind for each subject."""

    __tablename__ = "mails"
    event_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    subject: Mapped[str]
    kind: Mapped[str]
    sent_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (Index("mails_once", "subject", "kind", unique=True),)
