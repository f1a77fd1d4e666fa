"""The process as it was really seen: who sent what to whom, counted out of journal and event log.

Only the latest are counted, by id: the first of them is asked for beforehand, for what begins with
an id that is not known yet is planned as if it were a third of all. What nobody said lately is not
there. Beside what is declared (`process`) it shows what nobody does any more, and what nobody meant
to be done.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import text

from contracts.runtime.database import Database
from deploy.overview.order import name_of

MOST = 2000  # events, and entries of the journal
NO_ID = "00000000-0000-0000-0000-000000000000"  # before all

Edges = Sequence[dict[str, Any]]


def observed(orchestrator: Database, trail: Database) -> list[dict[str, Any]]:
    """How often which service sent which command or event to which, of the latest."""
    with orchestrator.transaction() as session:
        commands = [_edge("orchestrator", row) for row in session.execute(_COMMANDS)]
    with trail.transaction() as session:
        first = {"first": session.scalar(_FIRST) or NO_ID}
        events = [_edge(row.source, row) for row in session.execute(_EVENTS, first)]
    return sorted([*commands, *events], key=lambda edge: (edge["from"], edge["event"], edge["to"]))


def lines(edges: Edges) -> Iterator[str]:
    """The edges as a table in text."""
    rows = [("from", "sends", "to", "times")]
    rows += [(e["from"], e["event"], e["to"], str(e["count"])) for e in edges]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        yield "  ".join((*map(str.ljust, row[:3], widths), row[3]))


def _edge(source: str, row: Any) -> dict[str, Any]:
    kind = name_of(row.type) if row.type.startswith("concerto.") else row.type
    return {"from": source, "to": row.to, "event": kind, "count": row.count}


_COMMANDS = text(
    f"""
SELECT sent ->> 'to' AS "to", sent ->> 'type' AS type, count(*) AS count
FROM (SELECT commands FROM journal ORDER BY saga_id DESC, version DESC LIMIT {MOST}) AS latest,
     json_array_elements(commands) AS sent
GROUP BY 1, 2
"""
)
_FIRST = text(f"SELECT id FROM events ORDER BY id DESC OFFSET {MOST - 1} LIMIT 1")
_EVENTS = text(
    """
SELECT source, subscriber AS "to", type, count(*) AS count
FROM events JOIN deliveries ON event_id = id
WHERE id >= CAST(:first AS uuid) AND event_id >= CAST(:first AS uuid)
  AND state IN ('handled', 'retrying', 'dead')
GROUP BY 1, 2, 3
"""
)
