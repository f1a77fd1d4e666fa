"""The three axes of an order (order, payment, fulfilment), and which step may follow which.

Results and events come in any order and twice: a later stage is never taken back by an earlier one.
"""

from collections.abc import Mapping
from typing import Any, Literal

from contracts.runtime.session import BatchSession
from participants.orders.tables import OrderRow

Status = Literal["pending", "review", "confirmed", "rejected", "cancelled"]
FINAL: tuple[Status, ...] = ("confirmed", "rejected", "cancelled")
STAGES: dict[str, tuple[str, ...]] = {
    "payment_status": (
        *("none", "authorized", "failed", "partly captured", "captured", "voided"),
        *("partly refunded", "refunded"),
    ),
    "fulfilment_status": (
        *("none", "requested", "partly shipped", "shipped", "partly delivered", "delivered"),
        *("lost", "partly returned", "returned"),
    ),
}
# Of one of several parcels; open: it is known, and no carrier has it.
OPEN, LOST, GIVEN_UP, FORGOTTEN = "open", "lost", "given up", "forgotten"
ON_ITS_WAY = (OPEN, "requested", "shipped", "delivered")
Parcels = Mapping[str, Mapping[str, Any]]


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
            parcels={},
        )
        session.add(row)
    return row


def reach(row: OrderRow, status: Status, reason: str = "") -> bool:
    """Set the order's status unless it is final; whether it stands so now."""
    if row.status not in FINAL:
        row.status = status
        row.reason = reason or row.reason
    return row.status == status


def advance(row: OrderRow, axis: str, stage: str) -> bool:
    """Move one axis on, never back; whether it moved."""
    stages = STAGES[axis]
    further = stages.index(stage) > stages.index(getattr(row, axis))
    if further:
        setattr(row, axis, stage)
    return further


def fulfilled(parcels: Parcels) -> str:
    """How far an order in several parcels is: as far as the last of them, and partly as far as the
    first. Those that are given up do not count."""
    states = [parcel["state"] for parcel in parcels.values() if parcel["state"] != FORGOTTEN]
    unknown = max((parcel.get("of", 0) for parcel in parcels.values()), default=0) - len(states)
    states = [*(state for state in states if state != GIVEN_UP), *unknown * [OPEN]]
    if LOST in states:
        return LOST
    ranks = [ON_ITS_WAY.index(state) for state in states]
    first, last = ON_ITS_WAY[max(ranks, default=0)], ON_ITS_WAY[min(ranks, default=0)]
    if first == OPEN:
        return "none"
    return first if first in (last, "requested") else f"partly {first}"


def paid(parcels: Parcels) -> str:
    """How much of an order in several parcels is taken."""
    known = [p for p in parcels.values() if p["state"] not in (GIVEN_UP, FORGOTTEN)]
    others = [p for p in parcels.values() if p["state"] == GIVEN_UP]
    of = max((parcel.get("of", 0) for parcel in parcels.values()), default=0)
    all_taken = all(parcel["captured"] for parcel in known)
    return "captured" if all_taken and len(known) + len(others) == of else "partly captured"
