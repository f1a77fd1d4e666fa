"""START HERE: what promotions does on each command."""

from collections.abc import Iterable, Sequence

from contracts.delivery.service import Rows, Service
from contracts.messages.promotions import (
    ApplyPromotion,
    PromotionApplied,
    PromotionRefused,
    PromotionWithdrawn,
    WithdrawPromotion,
)
from contracts.runtime.session import BatchSession
from participants.promotions import codes
from participants.promotions.tables import OrderUse

promotions = Service("promotions")


def _uses(commands: Sequence[WithdrawPromotion]) -> Iterable[Rows]:
    return ((OrderUse, {command.order_id for command in commands}),)


@promotions.handles(ApplyPromotion, loads=codes.rows_of)
def apply(command: ApplyPromotion, session: BatchSession) -> PromotionApplied | PromotionRefused:
    """Take one use, once. An order whose use was withdrawn before takes none ever."""
    use = session.get(OrderUse, command.order_id)
    reason = codes.mismatch(use, command) if use else codes.refusal(session, command)
    if reason:
        return PromotionRefused(order_id=command.order_id, code=command.code, reason=reason)
    if use is None:
        codes.take(session, command)
    return PromotionApplied(order_id=command.order_id, code=codes.spelled(command.code))


@promotions.handles(WithdrawPromotion, loads=_uses)
def withdraw(command: WithdrawPromotion, session: BatchSession) -> PromotionWithdrawn:
    """Give the use back; where there is none, leave a tombstone for the late command."""
    use = session.get(OrderUse, command.order_id)
    if use is None:
        codes.bury(session, command.order_id)
    elif use.state == codes.APPLIED:
        codes.load_used(session, use)
        codes.give_back(session, use)
    return PromotionWithdrawn(order_id=command.order_id)
