"""The ledger of points: no balance moves without an entry, so the entries add up to the balance.

An account is locked before it is judged, and written as it was judged. One that is not there yet
begins at zero and is written as a sum: of two transactions that open the same account at once,
neither fails and nothing is lost.
"""

from typing import Any

from contracts.runtime.bulk import add_up, insert_rows
from contracts.runtime.session import BatchSession
from participants.loyalty.tables import PointsAccount, PointsEntry

# Which counter of the account each operation grows, and what that means for the balance.
OPERATIONS = {
    "earn": ("earned", 1),
    "redeem": ("redeemed", -1),
    "restore": ("restored", 1),
    "reverse": ("reversed", -1),
    "adjust": ("adjusted", 1),
}
COUNTERS = [column.name for column in PointsAccount.__table__.columns if not column.primary_key]
OPENED = "accounts opened"


def move(
    session: BatchSession,
    customer_id: str,
    operation: str,
    points: int,
    order_id: str | None,
    reason: str = "",
) -> None:
    """Grow the operation's counter by `points` and let the balance follow; write the entry."""
    counter, sign = OPERATIONS[operation]
    account = _known(session, customer_id) or _opened(session, customer_id)
    setattr(account, counter, getattr(account, counter) + points)
    account.balance += sign * points
    entry = {"customer_id": customer_id, "order_id": order_id, "operation": operation}
    session.later(_write, {**entry, "points": sign * points, "reason": reason})


def balance(session: BatchSession, customer_id: str) -> int:
    """How many points the customer has."""
    account = _known(session, customer_id)
    return account.balance if account else 0


def lock(session: BatchSession, customer_ids: set[str]) -> None:
    """Lock these accounts, which are opened if they are not there."""
    empty = [_empty(customer_id) for customer_id in sorted(customer_ids)]
    insert_rows(session, PointsAccount.__table__, empty, skip_known=True)
    session.load(PointsAccount, customer_ids)


def _known(session: BatchSession, customer_id: str) -> PointsAccount | None:
    session.load(PointsAccount, {customer_id})  # no query when its batch has loaded it
    found: dict[str, PointsAccount] = session.info.get(OPENED, {})
    return session.get(PointsAccount, customer_id) or found.get(customer_id)


def _opened(session: BatchSession, customer_id: str) -> PointsAccount:
    account = PointsAccount(**_empty(customer_id))
    session.info.setdefault(OPENED, {})[customer_id] = account
    session.later(_add, account)
    return account


def _empty(customer_id: str) -> dict[str, Any]:
    return {"customer_id": customer_id, **dict.fromkeys(COUNTERS, 0)}


def _add(session: BatchSession, accounts: list[PointsAccount]) -> None:
    sums = {(each.customer_id,): [getattr(each, name) for name in COUNTERS] for each in accounts}
    add_up(session, PointsAccount.__table__, sums)


def _write(session: BatchSession, entries: list[Any]) -> None:
    insert_rows(session, PointsEntry.__table__, entries)
