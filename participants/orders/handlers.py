"""START HERE: what orders does on each command, and what it learns from public results."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from contracts.delivery.service import Rows, Service
from contracts.messages.catalogue import read
from contracts.messages.orders import (
    AdjustOrder,
    ConfirmOrder,
    CreateOrder,
    OrderAccepted,
    OrderAdjusted,
    OrderCancelled,
    OrderCreated,
    OrderNotAccepted,
    OrderRejected,
    RejectOrder,
)
from contracts.messages.payable import Payable
from contracts.messages.values import Line
from contracts.runtime.session import BatchSession
from participants.orders import parcels, projecting, taking_back
from participants.orders.payable import part_of
from participants.orders.statuses import known, reach
from participants.orders.tables import OrderRow

orders = Service("orders")


def _orders(messages: Sequence[Any]) -> Iterable[Rows]:
    return ((OrderRow, {message.order_id for message in messages}),)


projecting.follow(orders, _orders)
taking_back.handle(orders, _orders)
parcels.handle(orders, _orders)


@orders.handles(CreateOrder, loads=_orders)
def create(command: CreateOrder, session: BatchSession) -> OrderCreated:
    """Write the order down; one that was cancelled before stays rejected."""
    row = known(session, command.order_id)
    row.customer_id = command.customer_id
    _costs(row, command.lines, command.payable)
    return OrderCreated(
        order_id=command.order_id, customer_id=command.customer_id, total=command.payable.total
    )


@orders.handles(AdjustOrder, loads=_orders)
def adjust(command: AdjustOrder, session: BatchSession) -> OrderAdjusted:
    """The order is for what is there, and costs as much."""
    row = known(session, command.order_id)
    payable = part_of(read(Payable, row.payable), command.lines)
    _costs(row, command.lines, payable)
    return OrderAdjusted(order_id=command.order_id, payable=payable)


@orders.handles(RejectOrder, loads=_orders)
def reject(command: RejectOrder, session: BatchSession) -> OrderRejected | OrderCancelled:
    """The order stands as rejected, or as cancelled before it was confirmed, with the reason."""
    row = known(session, command.order_id)
    reach(row, "cancelled" if command.cancelled else "rejected", command.reason)
    if command.cancelled:
        return OrderCancelled(order_id=command.order_id, reason=row.reason, confirmed=False)
    return OrderRejected(
        order_id=command.order_id,
        customer_id=command.customer_id,
        contact_id=command.contact_id,
        reason=row.reason,
    )


@orders.handles(ConfirmOrder, loads=_orders)
def confirm(command: ConfirmOrder, session: BatchSession) -> OrderAccepted | OrderNotAccepted:
    """Confirm for good, unless it was rejected."""
    row = known(session, command.order_id)
    if reach(row, "confirmed"):
        return OrderAccepted(order_id=command.order_id)
    return OrderNotAccepted(order_id=command.order_id, reason=f"the order is {row.status}")


def _costs(row: OrderRow, lines: tuple[Line, ...], payable: Payable) -> None:
    row.lines, row.payable = list(lines), asdict(payable)
    row.currency, row.amount = payable.total.currency, payable.total.amount
