"""How what is heard of an order becomes its row: in any order and twice, the row is the same.

Each part of a row only ever grows: a status takes the later of two stages, words are a set, and the
total of a confirmed order, known by its SKUs, stands against that of its creation. So what a batch
says of an order is joined first, and joined with its row by the same rules, for all orders in one
statement.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import JSON, Text, bindparam, case, cast, column, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY, TSVECTOR, array, insert

from contracts.messages.values import Money, time_of
from contracts.runtime.bulk import Write, packed
from contracts.runtime.session import BatchSession
from side_effects.search.tables import OrderIndex

STAGES = ("pending", "review", "rejected", "confirmed", "cancelled")
SKU = "sku:"
REASON_CHARACTERS = 1000
index: Any = OrderIndex.__table__


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What one event, or several joined, say of an order; what they do not say is empty."""

    order_id: str
    customer_id: str = ""
    status: str = "pending"
    amount: int = 0
    currency: str = ""
    skus: frozenset[str] = frozenset()
    said: frozenset[str] = frozenset()


def heard(order_id: str, total: Money | None = None, reason: str = "", **more: Any) -> Heard:
    """What an event says: the order's total, a reason in words, and more by name."""
    said = frozenset([reason[:REASON_CHARACTERS]] if reason else [])
    costs = asdict(total) if total else {}
    return Heard(order_id=order_id, said=said, **costs, **more)


def put(session: BatchSession, found: Sequence[Heard]) -> None:
    """Bring into the index what a batch says."""
    by_order: dict[str, Heard] = {}
    for one in found:
        known = by_order.get(one.order_id)
        by_order[one.order_id] = joined(known, one) if known else one
    rows = [_row(by_order[order_id]) for order_id in sorted(by_order)]
    session.write(Write(index, _merge, (), {"rows": packed(rows)}))


def joined(one: Heard, two: Heard) -> Heard:
    """What both say together."""
    costs = max(one, two, key=lambda heard: (bool(heard.skus), heard.currency != ""))
    return replace(
        costs,
        status=max(one.status, two.status, key=STAGES.index),
        customer_id=one.customer_id or two.customer_id,
        skus=one.skus | two.skus,
        said=one.said | two.said,
    )


def _row(one: Heard) -> dict[str, Any]:
    """A row as it travels: whole SKUs, and the text whose words are searched."""
    return {
        "order_id": one.order_id,
        "customer_id": one.customer_id,
        "status": one.status,
        "amount": one.amount,
        "currency": one.currency,
        "created_at": time_of(one.order_id),
        "whole": [lexeme(sku) for sku in sorted(one.skus)],
        "said": "\n".join(sorted(one.skus | one.said)),
    }


def lexeme(sku: str) -> str:
    """A SKU as it stands among the words, whatever its case."""
    return SKU + sku.lower()


def _merge(number: int) -> Any:
    """Insert rows; where one is there, join it with what is new, as `joined` does."""
    rows = _travelled(number)
    names = [column.name for column in index.columns if column.name != "words"]
    words = func.strip(
        func.array_to_tsvector(rows.c.whole).op("||")(func.to_tsvector("simple", rows.c.said)),
        type_=TSVECTOR,
    )
    told = insert(index).from_select([*names, "words"], select(*(rows.c[n] for n in names), words))
    new = told.excluded
    counts = _sold(new.words) | (~_sold(index.c.words) & (new.currency != ""))
    return told.on_conflict_do_update(
        index_elements=["order_id"],
        set_={
            "customer_id": func.greatest(index.c.customer_id, new.customer_id),
            "status": _furthest(new),
            **{n: case((counts, new[n]), else_=index.c[n]) for n in ("amount", "currency")},
            "words": func.strip(index.c.words.op("||")(new.words), type_=TSVECTOR),
        },
    )


def _sold(words: Any) -> Any:
    """Whether the words are those of a confirmed order, whatever has become of it since."""
    return words.op("@@", is_comparison=True)(cast(f"'{SKU}':*", TSQUERY))


def _furthest(new: Any) -> Any:
    stages = array([literal(stage, Text) for stage in STAGES])
    later = func.array_position(stages, new.status) > func.array_position(stages, index.c.status)
    return case((later, new.status), else_=index.c.status)


def _travelled(number: int) -> Any:
    """The parameter as a table; its SKUs and text become words only in the database."""
    known: list[Any] = [column(c.name, c.type) for c in index.columns if c.name != "words"]
    more: list[Any] = [column("whole", ARRAY(Text)), column("said", Text)]
    listed = func.json_to_recordset(cast(bindparam(f"rows{number}", type_=Text), JSON))
    return listed.table_valued(*known, *more).render_derived(name="given", with_types=True)
