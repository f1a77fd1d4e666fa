"""What is wrapped."""

from sqlalchemy import Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables of gifts."""


class Gift(Base):
    """An order that is wrapped."""

    __tablename__ = "gifts"
    order_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
