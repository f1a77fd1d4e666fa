"""The process as it was really seen: who sent what to whom, counted out of journal and event log.

Only the latest are counted, by id (and the deliveries by the range of those ids, for a join would
read all of them); what nobody said lately is not there. Beside what is declared
(`process`) it shows what nobody does any more, and what nobody meant to be done.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import text

from contracts.runtime.database import Database
from deploy.overview.order import name_of

MOST = 3000  # events, and entries of the journal

Edges = Sequence[dict[str, Any]]


def observed(orchestrator: Database, trail: Database) -> list[dict[str, Any]]:
    """How often which service sent which command or event to which, of the latest."""
    with orchestrator.transaction() as session:
        commands = [_edge("orchestrator", row) for row in session.execute(_COMMANDS)]
    with trail.transaction() as session:
        events = [_edge(row.source, row) for row in session.execute(_EVENTS)]
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
_EVENTS = text(
    f"""
WITH latest AS MATERIALIZED (SELECT id, source, type FROM events ORDER BY id DESC LIMIT {MOST}),
     those AS MATERIALIZED (SELECT event_id, subscriber FROM deliveries
                            WHERE event_id >= (SELECT id FROM latest ORDER BY id LIMIT 1)
                              AND state IN ('handled', 'retrying', 'dead'))
SELECT source, subscriber AS "to", type, count(*) AS count
FROM latest JOIN those ON event_id = latest.id
GROUP BY 1, 2, 3
"""
)
