"""Cancelling a confirmed order, and taking lines of a shipped one back: what is said to each."""

from collections.abc import Iterable, Sequence
from typing import Any

from contracts.delivery.service import Loads, Rows, Service
from contracts.messages.orders import OrderCancelled
from contracts.messages.returns import (
    CancelOrder,
    CompleteReturn,
    LockOrder,
    OrderLocked,
    OrderNotLocked,
    OrderRefunded,
    OrderUnlocked,
    RegisterReturn,
    ReturnAccepted,
    ReturnExpected,
    ReturnLine,
    ReturnRefused,
    ReturnWithdrawn,
    UnlockOrder,
    WithdrawReturn,
)
from contracts.messages.values import CustomerId, Money, Sku
from contracts.runtime.session import BatchSession
from participants.orders import returns
from participants.orders.returns import COMPLETED
from participants.orders.statuses import advance, known
from participants.orders.tables import OrderRow, ReturnRow, load_whole

OPEN, WITHDRAWN = "open", "withdrawn"
Registered = ReturnAccepted | ReturnExpected | ReturnRefused


def handle(orders: Service, loads: Loads) -> None:
    """Let the service handle these commands."""
    orders.handles(LockOrder, loads=loads)(_lock)
    orders.handles(UnlockOrder, loads=loads)(_unlock)
    orders.handles(CancelOrder, loads=loads)(_cancel)
    orders.handles(RegisterReturn, loads=_returns)(_register)
    orders.handles(WithdrawReturn, loads=_returns)(_withdraw)
    orders.handles(CompleteReturn, loads=_returns)(_complete)


def _returns(messages: Sequence[Any]) -> Iterable[Rows]:
    return (
        (OrderRow, {message.order_id for message in messages}),
        (ReturnRow, {message.return_id for message in messages}),
    )


def _lock(command: LockOrder, session: BatchSession) -> OrderLocked | OrderNotLocked:
    """From now on nothing else is begun with the order."""
    row = session.get(OrderRow, command.order_id)
    if reason := returns.why_not_cancelled(row):
        return OrderNotLocked(order_id=command.order_id, reason=reason)
    row.lock = returns.CANCEL
    return OrderLocked(order_id=command.order_id)


def _unlock(command: UnlockOrder, session: BatchSession) -> OrderUnlocked:
    """It was too late; the order is as it was, and a late `LockOrder` does not lock it."""
    row = session.get(OrderRow, command.order_id)
    if row and row.status != "cancelled":
        row.lock = returns.UNLOCKED
    return OrderUnlocked(order_id=command.order_id)


def _cancel(command: CancelOrder, session: BatchSession) -> OrderCancelled:
    """The one way from confirmed to cancelled."""
    row = known(session, command.order_id)
    row.status, row.reason = "cancelled", command.reason
    return OrderCancelled(order_id=command.order_id, reason=command.reason, confirmed=True)


def _register(command: RegisterReturn, session: BatchSession) -> Registered:
    """Count the units as returned, and say what is given back for them."""
    load_whole(session)
    row, known_return = _both(session, command)
    if known_return is None:
        units = returns.wanted_of(row, command.lines, command.missing)
        if reason := returns.why_not_returned(row, units, command.missing):
            return _refused(command, reason)
        counting = [each for each in _all_of(session, row) if each.state != WITHDRAWN]
        amount, points = sum(r.amount for r in counting), sum(r.points for r in counting)
        known_return = _new(command, units, *returns.given_back(row, units, amount, points))
        session.add(known_return)
        returns.keep(row, units)
    if known_return.state == WITHDRAWN:
        return _refused(command, "it was withdrawn before")
    kind = ReturnAccepted if command.received else ReturnExpected
    return kind(
        order_id=command.order_id,
        return_id=command.return_id,
        lines=tuple(
            ReturnLine(sku=Sku(sku), quantity=units)
            for sku, units in sorted(known_return.units.items())
        ),
        amount=Money(amount=known_return.amount, currency=row.currency),
        points=known_return.points,
    )


def _withdraw(command: WithdrawReturn, session: BatchSession) -> ReturnWithdrawn:
    """The units count as the customer's again; what comes late is refused."""
    row, known_return = _both(session, command)
    if known_return is None:
        known_return = _new(command, {}, 0, 0)
        session.add(known_return)
    elif known_return.state == OPEN:
        returns.keep(row, known_return.units, -1)
    if known_return.state != COMPLETED:
        known_return.state = WITHDRAWN
    return ReturnWithdrawn(order_id=command.order_id, return_id=command.return_id)


def _complete(command: CompleteReturn, session: BatchSession) -> OrderRefunded:
    """Goods and money are back; of what was missing only the money, for it was never sent."""
    load_whole(session)
    row, known_return = _both(session, command)
    known_return.state = COMPLETED
    if not known_return.missing:
        more = returns.left_of(row) or any(r.state == OPEN for r in _all_of(session, row))
        advance(row, "fulfilment_status", "partly returned" if more else "returned")
    return OrderRefunded(
        order_id=command.order_id,
        customer_id=CustomerId(row.customer_id),
        return_id=command.return_id,
        amount=Money(amount=known_return.amount, currency=row.currency),
        points=known_return.points,
    )


def _both(session: BatchSession, command: Any) -> tuple[Any, Any]:
    row = session.get(OrderRow, command.order_id)
    return row, session.get(ReturnRow, command.return_id)


def _all_of(session: BatchSession, row: OrderRow) -> Iterable[ReturnRow]:
    """All returns of the order, as this batch leaves them."""
    return (each for each in session.rows(ReturnRow) if each.order_id == row.id)


def _new(command: Any, units: dict[str, int], amount: int, points: int) -> ReturnRow:
    return ReturnRow(
        id=command.return_id,
        order_id=command.order_id,
        state=OPEN,
        units=units,
        amount=amount,
        points=points,
        missing=getattr(command, "missing", False),
    )


def _refused(command: RegisterReturn, reason: str) -> ReturnRefused:
    return ReturnRefused(order_id=command.order_id, return_id=command.return_id, reason=reason)
