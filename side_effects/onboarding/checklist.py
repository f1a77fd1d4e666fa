"""How items are ticked: the earliest time counts, so that the order of events does not matter."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from contracts.runtime.bulk import Write, given, packed
from contracts.runtime.session import BatchSession
from side_effects.onboarding.tables import Checklist

ITEMS = {
    "welcome_mail": "welcome_mail_at",
    "first_order": "first_order_at",
    "preferences": "preferences_at",
}
checklists: Any = Checklist.__table__
TIMES = ("started_at", *ITEMS.values())
COLUMNS = ("customer_id", *TIMES)


class Tick(NamedTuple):
    """Something of a customer's checklist happened at a time."""

    customer_id: str
    what: str
    at: datetime


def tick(session: BatchSession, ticks: Sequence[Tick]) -> None:
    """Bring what happened into the checklists, in one statement."""
    rows: dict[str, dict[str, Any]] = {}
    for one in ticks:
        empty = {"customer_id": one.customer_id, **dict.fromkeys(TIMES)}
        row = rows.setdefault(one.customer_id, empty)
        row[one.what] = min(row[one.what] or one.at, one.at)
    told = [rows[customer_id] for customer_id in sorted(rows)]
    session.write(Write(checklists, _merge, (), {"rows": packed(told)}))


def _merge(number: int) -> Any:
    rows = given(checklists, COLUMNS, f"rows{number}")
    told = insert(checklists).from_select(COLUMNS, select(*(rows.c[name] for name in COLUMNS)))
    earliest = {name: func.least(checklists.c[name], told.excluded[name]) for name in TIMES}
    return told.on_conflict_do_update(index_elements=["customer_id"], set_=earliest)
