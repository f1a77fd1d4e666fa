"""START HERE: what loyalty does on each command, and when an order is confirmed."""

from contracts.delivery.service import Ignored, Service
from contracts.messages.loyalty import (
    LoyaltyPointsApplied,
    LoyaltyPointsRefused,
    LoyaltyPointsRestored,
    RedeemPoints,
    RestorePoints,
)
from contracts.messages.orders import OrderCancelled, OrderConfirmed
from contracts.messages.returns import OrderRefunded
from contracts.runtime.session import BatchSession
from participants.loyalty import ledger, points
from participants.loyalty.tables import OrderRedemption

loyalty = Service("loyalty")


@loyalty.handles(RedeemPoints, loads=points.redeeming)
def redeem(
    command: RedeemPoints, session: BatchSession
) -> LoyaltyPointsApplied | LoyaltyPointsRefused:
    """Take exactly the points or none. An order that was restored before takes none ever."""
    taken = session.get(OrderRedemption, command.order_id)
    if taken and taken.state == points.RESTORED:
        return _refused(command, "restored before they were redeemed")
    if taken:
        return LoyaltyPointsApplied(order_id=command.order_id, points=taken.points)
    if command.points < 1:
        return _refused(command, "there is nothing to redeem")
    there = ledger.balance(session, command.customer_id)
    if there < command.points:
        return _refused(command, f"{there} of {command.points} points are there")
    points.redeem(session, command.order_id, command.customer_id, command.points)
    return LoyaltyPointsApplied(order_id=command.order_id, points=command.points)


@loyalty.handles(RestorePoints, loads=points.restoring)
def restore(command: RestorePoints, session: BatchSession) -> LoyaltyPointsRestored:
    """Give back what was taken; where nothing was, leave a tombstone for the late command."""
    points.restore(session, command.order_id)
    return LoyaltyPointsRestored(order_id=command.order_id)


@loyalty.on(OrderConfirmed, loads=points.earning)
def earn(event: OrderConfirmed, session: BatchSession) -> Ignored | None:
    """A confirmed order earns points, once."""
    return points.earn(session, event.order_id, event.customer_id, event.total.amount)


@loyalty.on(OrderCancelled, loads=points.reversing, undoes=OrderConfirmed)
def cancelled(event: OrderCancelled, session: BatchSession) -> None:
    """What is cancelled after all has earned nothing; its own points come by command."""
    if event.confirmed:
        points.take_back(session, event.order_id)


@loyalty.on(OrderRefunded, loads=points.reversing, undoes=OrderConfirmed)
def refunded(event: OrderRefunded, session: BatchSession) -> None:
    """What is paid back has earned nothing, and points that paid for it come back."""
    points.take_back(session, event.order_id, event.amount.amount)
    points.give_back(session, event.order_id, event.points)


def _refused(command: RedeemPoints, reason: str) -> LoyaltyPointsRefused:
    return LoyaltyPointsRefused(order_id=command.order_id, points=command.points, reason=reason)
