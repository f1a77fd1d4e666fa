"""What the orchestrator remembers: submissions, sagas, their journal, reviews, and what people did
about them."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, DateTime, Index, Text, Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

ACCEPTED = "accepted"  # the status of a saga that waits to begin


class Base(DeclarativeBase):
    """The orchestrator's tables."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSON,
        list[Any]: JSON,
    }


class SubmissionRow(Base):
    """One accepted submit: which order a caller's idempotency key stands for."""

    __tablename__ = "submissions"
    caller: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    order_id: Mapped[str] = mapped_column(Uuid(as_uuid=False))
    at: Mapped[datetime]


class SagaRow(Base):
    """One saga: its whole state, and the columns by which it is found.

    `wake_at` is null only when the saga is finished, and never later than what is due: it moves
    when something is due earlier or its time has come, so that other changes leave every index
    alone. Those that wait to begin have an index of their own, and none among those that may be
    due: there may be many. The row is the outbox of its commands. `parent` is the saga that waits
    for this one.
    """

    __tablename__ = "sagas"
    id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    name: Mapped[str]
    definition: Mapped[int]
    version: Mapped[int]
    subject: Mapped[str] = mapped_column(Uuid(as_uuid=False))
    status: Mapped[str]
    step: Mapped[str]
    failure: Mapped[str]
    paused: Mapped[bool]
    retrying: Mapped[bool]
    started_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    wake_at: Mapped[datetime | None]
    parent: Mapped[str | None] = mapped_column(Uuid(as_uuid=False))
    state: Mapped[dict[str, Any]]
    data: Mapped[dict[str, Any]]

    __table_args__ = (
        Index("sagas_wake", "wake_at", postgresql_where=f"status <> '{ACCEPTED}'"),
        Index("sagas_accepted", "id", postgresql_where=f"status = '{ACCEPTED}'"),
        Index("sagas_status", "status", "id"),
        Index("sagas_subject", "subject"),
        Index("sagas_paused", "id", postgresql_where="paused"),
        Index("sagas_retrying", "id", postgresql_where="retrying"),
        Index("sagas_parent", "parent", postgresql_where="parent IS NOT NULL"),
        Index("sagas_failed", "id", "failure", postgresql_where="failure <> ''"),
        Index("sagas_other", "name", "id", postgresql_where="name <> 'order'"),
    )


class JournalRow(Base):
    """One transition: what came in, and what was decided. Replayed, it gives the saga's state."""

    __tablename__ = "journal"
    saga_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    input: Mapped[dict[str, Any]]
    notes: Mapped[list[Any]]
    commands: Mapped[list[Any]]

    __table_args__ = ({"info": {"append_only": True}},)


class ReviewRow(Base):
    """A question to the people in the role `owner`, but `not_by` some, and what was decided.

    Who works on it (`claimed_by`) is no concern of the saga.
    """

    __tablename__ = "reviews"
    id: Mapped[str] = mapped_column(primary_key=True)
    saga_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), index=True)
    subject: Mapped[str] = mapped_column(Uuid(as_uuid=False))
    step: Mapped[str]
    question: Mapped[str]
    owner: Mapped[str]
    opened_at: Mapped[datetime]
    until: Mapped[datetime | None]
    choices: Mapped[list[Any]]
    otherwise: Mapped[str]
    not_by: Mapped[list[Any]]
    claimed_by: Mapped[str | None]
    claimed_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    choice: Mapped[str]
    decided_by: Mapped[str]
    reason: Mapped[str]

    __table_args__ = (
        Index("reviews_open", "opened_at", "id", postgresql_where="closed_at IS NULL"),
    )


class AuditRow(Base):
    """One thing that a person did, or wanted and was `refused`: `about` what, and why; with the
    saga and its order, where there is one. Never changed.

    Numbers have no gaps, and each row's digest is made with that of the row before, so that none
    can be changed or taken out unseen.
    """

    __tablename__ = "audit"
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    by: Mapped[str]
    role: Mapped[str]
    action: Mapped[str]
    about: Mapped[str]
    saga_id: Mapped[str | None] = mapped_column(Uuid(as_uuid=False), index=True)
    subject: Mapped[str | None] = mapped_column(Uuid(as_uuid=False))
    detail: Mapped[str]
    reason: Mapped[str]
    refused: Mapped[bool]
    digest: Mapped[str]

    __table_args__ = ({"info": {"append_only": True}},)
