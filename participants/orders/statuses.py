"""The three axes of an order (order, payment, fulfilment), and which step may follow which.

Results and events come in any order and twice: a later stage is never taken back by an earlier one.
"""

from typing import Literal

from contracts.runtime.session import BatchSession
from participants.orders.tables import OrderRow

Status = Literal["pending", "review", "confirmed", "rejected", "cancelled"]
FINAL: tuple[Status, ...] = ("confirmed", "rejected", "cancelled")
STAGES: dict[str, tuple[str, ...]] = {
    "payment_status": (
        ("none", "authorized", "failed", "captured", "voided", "partly refunded", "refunded")
    ),
    "fulfilment_status": (
        ("none", "requested", "shipped", "delivered", "lost", "partly returned", "returned")
    ),
}


def known(session: BatchSession, order_id: str) -> OrderRow:
    """The order's row; an empty one when something about it comes before its creation."""
    row: OrderRow | None = session.get(OrderRow, order_id)
    if row is None:
        row = OrderRow(
            id=order_id,
            customer_id="",
            currency="",
            amount=0,
            lines=[],
            payable={},
            status="pending",
            payment_status="none",
            fulfilment_status="none",
            reason="",
            lock="",
            returned={},
            refunded={},
        )
        session.add(row)
    return row


def reach(row: OrderRow, status: Status, reason: str = "") -> bool:
    """Set the order's status unless it is final; whether it stands so now."""
    if row.status not in FINAL:
        row.status = status
        row.reason = reason or row.reason
    return row.status == status


def advance(row: OrderRow, axis: str, stage: str) -> None:
    """Move one axis on, never back."""
    stages = STAGES[axis]
    if stages.index(stage) > stages.index(getattr(row, axis)):
        setattr(row, axis, stage)
