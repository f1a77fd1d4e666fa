"""What a receipt changes: its delivery moves on, what is final is counted, the rest is remembered.

A delivery that is handled or ignored stays so; only a row that really moved is counted or
remembered, so that a receipt that comes twice does neither twice. An attempt that succeeds or fails
after others is counted on from them.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Interval, and_, bindparam, case, func, insert, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert

from contracts.messages.trail import Receipt
from contracts.runtime.bulk import add_up, given, packed
from contracts.runtime.session import BatchSession
from side_effects.trail.tables import DEAD, FINAL, HANDLED, RETRYING, Delivery, ReceiptRow, Tally

deliveries: Any = Delivery.__table__
receipts: Any = ReceiptRow.__table__
PATIENCE = func.now() + bindparam("patience", type_=Interval)


def move(session: BatchSession, said: Sequence[Receipt], patience: timedelta) -> None:
    """Move deliveries on, in the order of their keys."""
    ended: Counter[tuple[str, str]] = Counter()
    for told in _rounds(said):
        rows = [_row(told[key]) for key in sorted(told)]
        moved = session.execute(_MOVED, {"rows": packed(rows), "patience": patience})
        ended.update({(row.subscriber, row.state): row.count for row in moved})
    if ended:
        session.later(_count, ended)


def _rounds(said: Sequence[Receipt]) -> list[dict[tuple[str, str], Receipt]]:
    """The receipts so that each round has one of a delivery, first what was said first."""
    rounds: list[dict[tuple[str, str], Receipt]] = []
    for receipt in sorted(set(said), key=_turn):
        key = receipt.event_id, receipt.subscriber
        free = next((told for told in rounds if key not in told), None)
        if free is None:
            rounds.append(free := {})
        free[key] = receipt
    return rounds


def _turn(receipt: Receipt) -> tuple[bool, int, bool]:
    return receipt.state in FINAL, receipt.attempts, receipt.state == DEAD


def _count(session: BatchSession, ended: Sequence[Counter[tuple[str, str]]]) -> None:
    """Add to the tallies, last in the transaction: everybody adds to the same few rows."""
    total: Counter[tuple[str, str]] = Counter()
    for some in ended:
        total.update(some)
    add_up(session, Tally.__table__, {key: (count,) for key, count in total.items()})


def _moved() -> Any:
    """Moves, remembers, and tells how many have come to which end, in one statement."""
    moved = _upserted().cte("moved")
    plain = and_(moved.c.state.in_(FINAL), moved.c.attempts == 1)
    columns = (moved.c.event_id, moved.c.subscriber, moved.c.state, moved.c.attempts)
    remembered = insert(receipts).from_select(
        ["event_id", "subscriber", "state", "attempt", "error"],
        select(*columns, moved.c.reason).where(~plain),
        include_defaults=False,
    )
    return (
        select(moved.c.subscriber, moved.c.state, func.count().label("count"))
        .where(moved.c.state.in_(FINAL))
        .group_by(moved.c.subscriber, moved.c.state)
        .add_cte(remembered.cte("remembered"))
    )


def _upserted() -> Any:
    names = ("event_id", "subscriber", "state", "attempts", "reason", "asked")
    rows = given(deliveries, names)
    told = upsert(deliveries).from_select(
        names, select(*(rows.c[name] for name in names)), include_defaults=False
    )
    now, new = deliveries.c, told.excluded
    failed = or_(now.state == RETRYING, now.state == DEAD)
    after = case((and_(failed, new.state == HANDLED), now.attempts + 1), else_=new.attempts)
    changed = or_(*(now[name] != new[name] for name in ("state", "attempts", "reason")))
    return told.on_conflict_do_update(
        index_elements=["event_id", "subscriber"],
        set_={
            "state": new.state,
            "attempts": after,
            "reason": new.reason,
            "changed_at": func.now(),
            "ask_at": case((new.state == RETRYING, PATIENCE), else_=None),
        },
        where=and_(changed, *(now.state != state for state in FINAL)),
    ).returning(now.event_id, now.subscriber, now.state, now.attempts, now.reason)


_MOVED = _moved()


def _row(receipt: Receipt) -> dict[str, Any]:
    return {
        "event_id": receipt.event_id,
        "subscriber": receipt.subscriber,
        "state": receipt.state,
        "attempts": receipt.attempts,
        "reason": receipt.reason,
        "asked": 0,
    }
