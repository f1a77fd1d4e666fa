"""What fails, by where and how: sagas, reviews, deliveries, dead letters, what is put aside.

A group is one place and one error: the class of the exception where there is one (what stands
before the first colon), else how its text begins.
"""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from contracts.runtime.database import Database
from contracts.runtime.session import BatchSession
from deploy.everywhere import Everywhere
from deploy.overview.order import name_of
from orchestrator.core.definition import command_of
from orchestrator.shell import runner

GROUPS = 200  # so many groups of a service at most
MOST = 5000  # so many unfinished sagas are looked at
EXAMPLES = 5


def failures(
    orchestrator: Database, trail: Database, everywhere: Everywhere, since: timedelta
) -> list[dict[str, Any]]:
    """Every group of what failed, or was tried in vain, no longer ago than `since`; most first."""
    with orchestrator.transaction() as session:
        first: datetime = session.scalar(text("SELECT now()")) - since
        found = _sagas(session, first)
    with trail.transaction() as session:
        found += [_group("trail", row) for row in session.execute(_DELIVERIES, {"first": first})]
    for service, rows in everywhere.ask(_PUT_ASIDE, {"first": first}):
        found += [_group(service, row) for row in rows]
    return sorted(found, key=lambda one: (-one["count"], one["kind"], one["place"]))


def _group(service: str, row: Any) -> dict[str, Any]:
    told = {**row._mapping, "service": row._mapping.get("service", service)}
    kind = told["place"]
    return {**told, "place": name_of(kind) if kind.startswith("concerto.") else kind}


def _sagas(session: BatchSession, first: datetime) -> list[dict[str, Any]]:
    """Unfinished sagas at a step that was refused, is silent or is put before a person."""
    groups = defaultdict(list)
    for row in session.execute(_TROUBLED, {"first": first}):
        for step in row.state["steps"]:
            if _fails(step):
                kind = "review" if row.status == "review" else "saga"
                groups[kind, _owner(row, step["name"]), step["name"], _answer(step)].append(row)
    return [
        {
            "kind": kind,
            "service": owner,
            "place": step,
            "error": error,
            "count": len(rows),
            "oldest": min(row.changed_at for row in rows),
            "newest": max(row.changed_at for row in rows),
            "examples": [row.id for row in rows[:EXAMPLES]],
        }
        for (kind, owner, step, error), rows in groups.items()
    ]


def _fails(step: dict[str, Any]) -> bool:
    """Whether it is in trouble, or is tried again because of what came or did not come."""
    again = step.get("sends", 0) > 1 or step.get("refusals", 0) > 0 or step.get("queries", 0) > 0
    return bool(step.get("trouble") or (again and step.get("due_at")))


def _answer(step: dict[str, Any]) -> str:
    """The last answer, or that there was none."""
    silent = step.get("trouble") == "silent" or not step.get("result")
    return "no answer" if silent else str(step["result"])


def _owner(row: Any, name: str) -> str:
    saga = runner.definition(row.name, row.definition)
    return command_of(saga.flat[saga.place[name]].do).to


_TROUBLED = text(
    f"""
SELECT id, name, definition, status, changed_at, state FROM sagas
WHERE status IN ('running', 'undoing', 'review') AND changed_at >= :first
ORDER BY id DESC LIMIT {MOST}
"""
)
# The class of an error ends at the first colon; where there is none, its text begins the same.
_ERROR = "left(split_part({0}, ':', 1), 80)"
_GROUPED = (
    "count(*) AS count, min({0}) AS oldest, max({0}) AS newest, "
    f"(array_agg({{1}}::text ORDER BY {{0}} DESC))[1:{EXAMPLES}] AS examples"
)
_DELIVERIES = text(
    f"""
SELECT 'delivery' AS kind, subscriber AS service, type AS place,
       {_ERROR.format("reason")} AS error, {_GROUPED.format("changed_at", "event_id")}
FROM deliveries JOIN events ON events.id = event_id
WHERE state <> 'handled' AND state IN ('retrying', 'dead') AND changed_at >= :first
GROUP BY 1, 2, 3, 4 ORDER BY count(*) DESC LIMIT {GROUPS}
"""
)
_PUT_ASIDE = text(
    f"""
(SELECT 'dead letter' AS kind, type AS place, {_ERROR.format("reason")} AS error,
        {_GROUPED.format("at", "id")}
 FROM dead_letters WHERE at >= :first
 GROUP BY 1, 2, 3 ORDER BY count(*) DESC LIMIT {GROUPS})
UNION ALL
(SELECT 'put aside' AS kind, envelope ->> 'type' AS place, {_ERROR.format("error")} AS error,
        {_GROUPED.format("at", "id")}
 FROM attempts
 WHERE envelope IS NOT NULL AND error IS NOT NULL AND due_at IS NOT NULL AND at >= :first
 GROUP BY 1, 2, 3 ORDER BY count(*) DESC LIMIT {GROUPS})
UNION ALL
(SELECT 'put aside' AS kind, kind AS place, 'failed outside' AS error, {_GROUPED.format("at", "id")}
 FROM intents WHERE state = 'pending' AND attempts > 0 AND at >= :first
 GROUP BY 1, 2, 3 ORDER BY count(*) DESC LIMIT {GROUPS})
"""
)
