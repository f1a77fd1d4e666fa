"""One payment for each order, what its parcels took of it, its refunds and their limits, the money
ledger, and what the provider reported."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, DateTime, Identity, Index, Text, Uuid, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables of payments."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {str: Text, datetime: DateTime(timezone=True)}


class Payment(Base):
    """Where the money of one order stands.

    `create_key` is the idempotency key of the hold and names this attempt; whatever repeats it
    repeats it under that key. `capture_key` is that of the latest capture. `taken` is the amount
    the capture asks for, then what was taken; of it, `refunded` is given back and `refunding` is on
    its way back. `reference` is the provider's id, empty while we do not know it; `held` says
    whether the ledger was told of this attempt's hold; `renewed`, that an earlier one expired and
    the money is taken as soon as this one is held. `action_url` is where the customer has to
    authenticate. `return_id` is the refund id of the payment's return, once that is asked for.
    `told` is the latest public result; `waiting`, the command that could not be answered for
    certain yet, as its envelope is stored. Where several parcels share it, `in_parts` says that
    each takes its part (`taken` is their sum), `let_off` what is never taken since its parcel was
    given up, `closing` that all have ended. Amounts in minor units.
    """

    __tablename__ = "payments"
    order_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    state: Mapped[str]
    method: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    taken: Mapped[int] = mapped_column(BigInteger)
    refunded: Mapped[int] = mapped_column(BigInteger)
    refunding: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    token: Mapped[str]
    create_key: Mapped[str]
    capture_key: Mapped[str]
    reference: Mapped[str]
    action_url: Mapped[str]
    return_id: Mapped[str]
    held: Mapped[bool]
    renewed: Mapped[bool]
    in_parts: Mapped[bool]
    closing: Mapped[bool]
    let_off: Mapped[int] = mapped_column(BigInteger)
    code: Mapped[str]
    reason: Mapped[str]
    told: Mapped[str]
    waiting: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    asked_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Capture(Base):
    """What one of several parcels takes of the payment of its order.

    `key` is the idempotency key of its latest attempt, begun at `asked_at`; `return_id` the refund
    that gives it back, once that is asked for: from then on it is not taken any more.
    """

    __tablename__ = "captures"
    order_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    parcel: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    key: Mapped[str]
    return_id: Mapped[str]
    code: Mapped[str]
    reason: Mapped[str]
    told: Mapped[str]
    asked_at: Mapped[datetime]


class Refund(Base):
    """One refund of an order, by the id that whoever asks for it gave it.

    `key` is the idempotency key of its latest attempt, `reference` the provider's id, empty while
    we do not know it; `told` and `waiting` are as those of its payment. The amount is in minor
    units.
    """

    __tablename__ = "refunds"
    order_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True)
    refund_id: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    key: Mapped[str]
    reference: Mapped[str]
    code: Mapped[str]
    reason: Mapped[str]
    told: Mapped[str]
    waiting: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    asked_at: Mapped[datetime] = mapped_column(server_default=func.now())


class RefundLimit(Base):
    """From when on so much of an order's money is given back without a second person, for the
    orders of a currency; the latest row counts. Never changed. Amounts in minor units."""

    __tablename__ = "refund_limits"
    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    currency: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    by: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        Index("refund_limits_latest", "currency", "id"),
        {"info": {"append_only": True}},
    )


class Webhook(Base):
    """What the provider reported of its own accord, once by its event id. Never changed.

    Not its body, which may name people: what it said stands in the payment.
    """

    __tablename__ = "webhooks"
    event_id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    reference: Mapped[str]
    order_id: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = ({"info": {"append_only": True}},)


class MoneyEntry(Base):
    """One movement of money between two accounts: its debit and its credit. Never changed.

    `part` tells apart what an order may do several times: the hold's key, the parcel, or the
    refund's id.
    """

    __tablename__ = "money_entries"
    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    order_id: Mapped[str] = mapped_column(Uuid(as_uuid=False))
    operation: Mapped[str]
    part: Mapped[str]
    debit: Mapped[str]
    credit: Mapped[str]
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    reference: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        Index("money_entries_once", "order_id", "operation", "part", unique=True),
        {"info": {"append_only": True}},
    )
