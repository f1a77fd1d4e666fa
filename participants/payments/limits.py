"""How much of an order's money is given back without a second person.

All that was given back of an order counts, and what is on its way, so that a large refund is not
made of small ones. Two that are judged before either has begun are judged alone.
"""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from contracts.messages.values import Money
from contracts.runtime.session import BatchSession
from contracts.runtime.settings import settings
from participants.payments.answers import GONE, REFUSED
from participants.payments.tables import Payment, RefundLimit

LIMITS = "the limits of this batch"


def exceeded(session: BatchSession, payment: Payment | None, amount: Money) -> Money | None:
    """The limit, if this amount would exceed it; nothing is given back where nothing is held."""
    if payment is None or payment.state in (REFUSED, GONE):
        return None
    limit = of(session, amount.currency)
    given = payment.refunded + payment.refunding + amount.amount
    return Money(amount=limit, currency=amount.currency) if given > limit else None


def of(session: BatchSession, currency: str) -> int:
    """The limit for orders in this currency, in minor units; the setting where none was given."""
    return _given(session).get(currency, settings().refund_limit)


def _given(session: BatchSession) -> Mapping[str, int]:
    """The limits that were given, read at the first call of a batch."""
    if LIMITS not in session.info:
        session.info[LIMITS] = {row.currency: row.amount for row in session.execute(_LATEST)}
    given: Mapping[str, int] = session.info[LIMITS]
    return given


_LATEST = (
    select(RefundLimit.currency, RefundLimit.amount)
    .ext(distinct_on(RefundLimit.currency))
    .order_by(RefundLimit.currency, RefundLimit.id.desc())
)
