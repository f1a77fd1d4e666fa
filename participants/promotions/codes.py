"""The rules of codes: when one is valid, what it takes off, and how often it may be used.

Whether a code is valid is asked for the time at which the order was submitted, which its id begins
with: an order that waited for a person keeps what its customer was promised.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from contracts.delivery.service import Rows
from contracts.messages.promotions import ApplyPromotion
from contracts.messages.values import Money, OrderId, time_of
from contracts.runtime.session import BatchSession
from participants.promotions.tables import OrderUse, Promotion, UsesByCustomer

APPLIED, WITHDRAWN = "applied", "withdrawn"
ALL_LOADED = "all codes in use are loaded"
CODE = r"^[A-Za-z0-9_\-]{1,64}$"
WHOLE = 10_000  # basis points
UNKNOWN = "there is no such code"


def spelled(code: str) -> str:
    """The code as it is stored, in upper case; empty, as none is, when it cannot be one."""
    return code.upper() if re.fullmatch(CODE, code) else ""


def rows_of(commands: Sequence[ApplyPromotion]) -> Iterable[Rows]:
    """The rows these commands need: the orders' uses, the codes, and their customers' counts."""
    return (
        (OrderUse, {command.order_id for command in commands}),
        (Promotion, {spelled(command.code) for command in commands}),
        (UsesByCustomer, {(spelled(command.code), command.customer_id) for command in commands}),
    )


def load_used(session: BatchSession, use: OrderUse) -> None:
    """Load what this use counts in, at the first call with that of all orders of the batch."""
    known = [use]
    if ALL_LOADED not in session.info:
        session.info[ALL_LOADED] = True
        known += session.rows(OrderUse)
    applied = [row for row in known if row.state == APPLIED]
    session.load(Promotion, {row.code for row in applied})
    session.load(UsesByCustomer, {(row.code, row.customer_id) for row in applied})


def refusal(session: BatchSession, command: ApplyPromotion) -> str:
    """Why this order cannot have a use, as its customer reads it; empty when it can."""
    promotion: Promotion | None = session.get(Promotion, spelled(command.code))
    if promotion is None:
        return UNKNOWN
    submitted_at = time_of(command.order_id)
    return invalid(promotion, submitted_at) or _used_up(session, promotion, command.customer_id)


def mismatch(use: OrderUse, command: ApplyPromotion) -> str:
    """Why what the order has is not what it asks for now; empty when it is."""
    if use.state == WITHDRAWN:
        return "withdrawn before it was applied" if not use.code else "the code was withdrawn"
    return "" if use.code == spelled(command.code) else "the order has another code"


def invalid(promotion: Promotion, at: datetime) -> str:
    """Why the code does not count at that time; empty when it does."""
    if not promotion.enabled:
        return "the code is not in use"
    if at < promotion.valid_from:
        return f"the code is valid from {_time(promotion.valid_from)}"
    if promotion.valid_until and at >= promotion.valid_until:
        return f"the code was valid until {_time(promotion.valid_until)}"
    return ""


def unfit(promotion: Promotion, goods: Money) -> str:
    """Why the code is not for goods of this value; empty when it is."""
    if promotion.currency and promotion.currency != goods.currency:
        return f"the code is for orders in {promotion.currency}"
    if goods.amount < promotion.least_goods:
        least = Money(amount=promotion.least_goods, currency=goods.currency)
        return f"the code is for goods of at least {least}"
    return ""


def discount_of(promotion: Promotion, goods: int) -> int:
    """What it takes off goods of this value, in minor units: a share is rounded half up, an amount
    is never more than the goods."""
    if promotion.share is not None:
        return (2 * goods * promotion.share + WHOLE) // (2 * WHOLE)
    return min(promotion.amount or 0, goods)


def take(session: BatchSession, command: ApplyPromotion) -> None:
    """Take one use for the order; it must not be refused."""
    code, customer_id = spelled(command.code), command.customer_id
    if session.get(UsesByCustomer, (code, customer_id)) is None:
        session.add(UsesByCustomer(code=code, customer_id=customer_id, uses=0))
    _count(session, code, customer_id, 1)
    session.add(_use(command.order_id, code, customer_id, APPLIED))


def give_back(session: BatchSession, use: OrderUse) -> None:
    """Whoever comes next may have it."""
    _count(session, use.code, use.customer_id, -1)
    use.state = WITHDRAWN


def bury(session: BatchSession, order_id: OrderId) -> None:
    """Remember that this order is to have no use."""
    session.add(_use(order_id, "", "", WITHDRAWN))


def _used_up(session: BatchSession, promotion: Promotion, customer_id: str) -> str:
    if promotion.most_uses is not None and promotion.uses >= promotion.most_uses:
        return "the code is used up"
    most = promotion.most_uses_per_customer
    counted = session.get(UsesByCustomer, (promotion.code, customer_id))
    if most is not None and counted and counted.uses >= most:
        return "you have used the code as often as you may"
    return ""


def _count(session: BatchSession, code: str, customer_id: str, uses: int) -> None:
    session.get(Promotion, code).uses += uses
    session.get(UsesByCustomer, (code, customer_id)).uses += uses


def _use(order_id: str, code: str, customer_id: str, state: str) -> OrderUse:
    return OrderUse(order_id=order_id, code=code, customer_id=customer_id, state=state)


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
