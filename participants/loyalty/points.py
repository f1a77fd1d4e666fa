"""The rules of points: as many as were asked for or none, given back once, earned once an order."""

from collections.abc import Iterable, Sequence

from contracts.delivery.service import Because, Ignored, Rows
from contracts.messages.loyalty import RedeemPoints, RestorePoints
from contracts.messages.orders import OrderCancelled, OrderConfirmed
from contracts.messages.returns import OrderRefunded
from contracts.messages.values import OrderId
from contracts.runtime.session import BatchSession
from participants.loyalty import ledger
from participants.loyalty.tables import OrderEarning, OrderRedemption, PointsAccount

MINOR_UNITS_A_POINT = 100
GUEST = "guest-"
APPLIED, RESTORED = "applied", "restored"
EARNED, REVERSED = "earned", "reversed"
ALL_LOADED = "accounts are loaded of every"


def redeeming(commands: Sequence[RedeemPoints]) -> Iterable[Rows]:
    """The rows these commands need: what their orders took, and their customers' accounts."""
    return (
        (OrderRedemption, {command.order_id for command in commands}),
        (PointsAccount, {command.customer_id for command in commands}),
    )


def restoring(commands: Sequence[RestorePoints]) -> Iterable[Rows]:
    """The rows these commands name; the accounts are found through them."""
    return ((OrderRedemption, {command.order_id for command in commands}),)


def earning(events: Sequence[OrderConfirmed]) -> Iterable[Rows]:
    """The rows of those that earn anything."""
    those = [event for event in events if earned_by(event.customer_id, event.total.amount)]
    return (
        (OrderEarning, {event.order_id for event in those}),
        (PointsAccount, {event.customer_id for event in those}),
    )


def reversing(events: Sequence[OrderCancelled | OrderRefunded]) -> Iterable[Rows]:
    """What the orders earned and took."""
    orders = {event.order_id for event in events}
    return ((OrderEarning, orders), (OrderRedemption, orders))


def earned_by(customer_id: str, amount: int) -> int:
    """One point for every full 100 minor units; a guest earns nothing."""
    return 0 if is_guest(customer_id) else max(0, amount // MINOR_UNITS_A_POINT)


def is_guest(customer_id: str) -> bool:
    """Whether nobody can come back for points under this id."""
    return customer_id.startswith(GUEST)


def redeem(session: BatchSession, order_id: str, customer_id: str, points: int) -> None:
    """Take these points for the order; there must be enough."""
    ledger.move(session, customer_id, "redeem", points, order_id)
    session.add(_redemption(order_id, customer_id, points, APPLIED))


def restore(session: BatchSession, order_id: OrderId) -> None:
    """Give back what the order took and has not come back in parts; where it took nothing, make
    sure that it never will."""
    taken: OrderRedemption | None = session.get(OrderRedemption, order_id)
    if taken is None:
        session.add(_redemption(order_id, "", 0, RESTORED))
    elif taken.state == APPLIED:
        _return(session, taken, taken.points)
        taken.state = RESTORED


def earn(session: BatchSession, order_id: OrderId, customer_id: str, amount: int) -> Ignored | None:
    """Give the customer what so many minor units earn, unless the order has earned, or was
    reversed, before."""
    points = earned_by(customer_id, amount)
    if not points:
        return None
    before: OrderEarning | None = session.get(OrderEarning, order_id)
    if before:
        because: Because = "stale" if before.state == REVERSED else "duplicate"
        return Ignored(because, f"what the order earns is {before.state} already")
    ledger.move(session, customer_id, "earn", points, order_id)
    session.add(_earning(order_id, customer_id, amount, points, EARNED))
    return None


def take_back(session: BatchSession, order_id: OrderId, amount: int | None = None) -> None:
    """Take back what the order would not have earned without this amount, which is paid back, or
    all; at most the balance that is left. What could not be taken is recorded as `unrecovered`.

    What is left is rounded as what was earned, so that parts take back as much as the whole.
    Before the order has earned, taking all back makes sure that it never will.
    """
    earned: OrderEarning | None = session.get(OrderEarning, order_id)
    if earned is None and amount is None:
        session.add(_earning(order_id, "", 0, 0, REVERSED))
    if earned is None or earned.state == REVERSED:
        return
    _load_account(session, earned)
    left = earned.amount - earned.refunded
    less = left if amount is None else min(amount, left)
    wanted = left // MINOR_UNITS_A_POINT - (left - less) // MINOR_UNITS_A_POINT
    taken = min(wanted, ledger.balance(session, earned.customer_id))
    if taken:
        ledger.move(session, earned.customer_id, "reverse", taken, order_id)
    earned.refunded += less
    earned.unrecovered += wanted - taken
    if earned.refunded == earned.amount:
        earned.state = REVERSED


def give_back(session: BatchSession, order_id: OrderId, points: int) -> None:
    """Give back points with which goods were paid that have come back, of those that are left: an
    order may be cancelled while a parcel of it is given up."""
    taken: OrderRedemption | None = session.get(OrderRedemption, order_id)
    if taken:
        _return(session, taken, points)


def adjust(session: BatchSession, customer_id: str, points: int, reason: str) -> bool:
    """Give these points, or take them if they are negative; whether there were enough to take."""
    enough = ledger.balance(session, customer_id) + points >= 0
    if enough:
        ledger.move(session, customer_id, "adjust", points, None, reason)
    return enough


def _return(session: BatchSession, taken: OrderRedemption, points: int) -> None:
    """Let as many of these points come back as have not yet."""
    if back := min(points, taken.points - taken.returned):
        _load_account(session, taken)
        ledger.move(session, taken.customer_id, "restore", back, taken.order_id)
        taken.returned += back


def _redemption(order_id: str, customer_id: str, points: int, state: str) -> OrderRedemption:
    return OrderRedemption(
        order_id=order_id, customer_id=customer_id, points=points, returned=0, state=state
    )


def _earning(order_id: str, customer_id: str, amount: int, points: int, state: str) -> OrderEarning:
    return OrderEarning(
        order_id=order_id,
        customer_id=customer_id,
        amount=amount,
        points=points,
        refunded=0,
        unrecovered=0,
        state=state,
    )


def _load_account(session: BatchSession, order: OrderRedemption | OrderEarning) -> None:
    """Load the order's account, at the first call with those of all such orders of the batch."""
    known, told = [order], f"{ALL_LOADED} {type(order).__name__}"
    if told not in session.info:
        session.info[told] = True
        known += session.rows(type(order))
    session.load(
        PointsAccount, {row.customer_id for row in known if row.state in (APPLIED, EARNED)}
    )
