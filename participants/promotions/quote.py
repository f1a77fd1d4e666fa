"""Says what codes take off orders that are about to be submitted; it takes no use.

Whether a use is left is decided when one is taken: only then are the counts locked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select

from contracts.messages.values import Money
from contracts.runtime.bulk import among
from contracts.runtime.database import Database
from participants.promotions.codes import UNKNOWN, discount_of, invalid, spelled, unfit
from participants.promotions.tables import Promotion

_NAMED = select(Promotion).where(among(Promotion.code))


@dataclass(frozen=True)
class Wanted:
    """A code that is to be taken off goods of this value, in minor units."""

    code: str
    goods: int
    currency: str


@dataclass(frozen=True)
class Discount:
    """What the code takes off, in minor units; never more than the goods."""

    code: str
    amount: int


@dataclass(frozen=True)
class Refused:
    """Why the code takes nothing off, as the customer reads it."""

    code: str
    reason: str


def quote(db: Database, wanted: Sequence[Wanted]) -> list[Discount | Refused]:
    """What each code takes off now, in the same order; one query for all."""
    if not wanted:
        return []
    at = datetime.now(UTC)
    named = sorted({spelled(each.code) for each in wanted})
    with db.transaction() as session:
        found = {row.code: row for row in session.scalars(_NAMED, {"among": named})}
    return [_quoted(each, found.get(spelled(each.code)), at) for each in wanted]


def _quoted(wanted: Wanted, promotion: Promotion | None, at: datetime) -> Discount | Refused:
    if promotion is None:
        return Refused(wanted.code, UNKNOWN)
    goods = Money(amount=wanted.goods, currency=wanted.currency)
    if reason := invalid(promotion, at) or unfit(promotion, goods):
        return Refused(wanted.code, reason)
    return Discount(promotion.code, discount_of(promotion, wanted.goods))
