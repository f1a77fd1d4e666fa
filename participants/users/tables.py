"""People: names and addresses stand here and nowhere else."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import DateTime, Identity, Index, Text, Uuid, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables of users."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {str: Text, datetime: DateTime(timezone=True)}


class ContactRow(Base):
    """A name and an address. One that no order and no user claims is removed after a while.

    Whose it is is known once it is claimed, or before, if who wrote it down said so. An erased one
    keeps its ids and nothing else.
    """

    __tablename__ = "contacts"
    contact_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    name: Mapped[str]
    email: Mapped[str]
    line1: Mapped[str]
    city: Mapped[str]
    postcode: Mapped[str]
    country: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    claimed_at: Mapped[datetime | None]
    customer_id: Mapped[str | None]
    erased_at: Mapped[datetime | None]

    __table_args__ = (
        Index("contacts_customer", "customer_id", postgresql_where="customer_id IS NOT NULL"),
        Index("contacts_unclaimed", "created_at", postgresql_where="claimed_at IS NULL"),
    )


class UserRow(Base):
    """A registered person; the caller and key that registered them."""

    __tablename__ = "users"
    customer_id: Mapped[str] = mapped_column(primary_key=True)
    contact_id: Mapped[str] = mapped_column(Uuid(as_uuid=False))
    caller: Mapped[str]
    key: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class ErasedRow(Base):
    """A customer who was erased: whatever was written down before this time has to be gone."""

    __tablename__ = "erased"
    customer_id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class ErasureEntry(Base):
    """Who had which customer erased when, and how many contacts that emptied. Never changed."""

    __tablename__ = "erasure_entries"
    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    customer_id: Mapped[str]
    caller: Mapped[str]
    role: Mapped[str]
    contacts: Mapped[int]
    at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        Index("erasure_entries_customer", "customer_id", "id"),
        {"info": {"append_only": True}},
    )
