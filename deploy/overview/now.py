"""How the platform stands at this moment: the JSON of `GET /now`.

What is open is that of `deploy/levels.py`, as in `/metrics`. The sagas of the last hour are found
by their ids, which begin with the time.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, text

from contracts.messages.values import stamped
from contracts.runtime.database import Database
from contracts.runtime.settings import settings
from deploy import levels
from deploy.everywhere import Everywhere
from deploy.levels import Rows, Sagas
from orchestrator.sagas import PARENTAL

Firing = Callable[[dict[str, Any]], list[dict[str, Any]]]
Waiting = Mapping[str, Row[Any]]  # of each service, by name


class Now:
    """What is read, and where from; `firing` says which alerts what was read sets off."""

    def __init__(
        self, orchestrator: Database, trail: Database, everywhere: Everywhere, firing: Firing
    ) -> None:
        self._orchestrator, self._trail = orchestrator, trail
        self._everywhere, self._firing = everywhere, firing

    def read(self) -> dict[str, Any]:
        """The JSON of `GET /now`."""
        sagas = levels.sagas(self._orchestrator)
        at = sagas.totals.at
        hour = self._orchestrator.read(_SINCE, first=stamped(at - timedelta(hours=1)))
        waiting = dict(self._everywhere.each(levels.waiting))
        now = {
            "at": at,
            "sagas": _sagas(sagas),
            "last_hour": _last_hour({row.status: row.number for row in hour}),
            "saturation": _saturation(sagas.by_step),
            "attention": _attention(sagas.reviews),
            "consumers": _consumers(levels.subscribers(self._trail), waiting),
            **_delivery(waiting),
        }
        return {**now, "alerts": self._firing(now)}


def live(orchestrator: Database) -> list[dict[str, Any]]:
    """How many unfinished sagas stand at each step, by status, and since when the oldest does."""
    return [_step(row) for row in levels.by_step(orchestrator)]


def _step(row: Row[Any]) -> dict[str, Any]:
    told = {name: row._mapping[name] for name in ("saga", "step", "status")}
    return {**told, "count": row.number, "oldest": row.oldest}


def _sagas(found: Sagas) -> dict[str, Any]:
    by_status: Counter[str] = Counter()
    for row in found.by_step:
        by_status[row.status] += row.number
    asleep, undecided = (row.number for row in found.overdue), (row.past for row in found.reviews)
    return {
        "by_step": [_step(row) for row in found.by_step],
        "in_flight": by_status["running"] + by_status["undoing"],
        "accepted": found.totals.accepted,
        "in_review": by_status["review"],
        "compensating": by_status["undoing"],
        "overdue": sum(asleep) + sum(undecided),
        "paused": found.totals.paused,
        "retrying": found.totals.retrying,
    }


def _last_hour(counts: Mapping[str, int]) -> dict[str, Any]:
    completed, undone = counts.get("completed", 0), counts.get("undone", 0)
    rate = undone / (completed + undone) if completed + undone else 0.0
    return {
        "started": sum(counts.values()),
        "completed": completed,
        "undone": undone,
        "failure_rate": round(rate, 4),
    }


def _saturation(by_step: Rows) -> dict[str, Any]:
    """How much of the room there is taken; who waits for its children takes none."""
    taken = sum(
        row.number
        for row in by_step
        if row.status in ("running", "undoing") and row.step not in PARENTAL
    )
    limit = settings().in_flight_sagas
    return {"in_flight": taken, "limit": limit, "share": round(taken / limit, 4)}


def _attention(reviews: Rows) -> dict[str, Any]:
    return {
        "open": sum(row.number for row in reviews),
        "unclaimed": sum(row.unclaimed for row in reviews),
        "near": sum(row.near for row in reviews),
        "oldest": min((row.oldest for row in reviews), default=None),
        "by_role": {row.owner: row.number for row in reviews},
    }


def _consumers(subscribers: Rows, waiting: Waiting) -> list[dict[str, Any]]:
    resting = {name for name, row in waiting.items() if row.paused}
    return [
        {
            "subscriber": row.subscriber,
            "depth": row.pending + row.retrying,
            "dead": row.dead,
            "oldest_open": row.oldest_open,
            "paused": row.subscriber in resting,
        }
        for row in subscribers
        if row.known
    ]


def _delivery(waiting: Waiting) -> dict[str, Any]:
    rows = waiting.values()
    return {
        "dead_letters": sum(row.dead for row in rows),
        "put_aside": sum(row.aside for row in rows),
        "failing": {name: row.failing for name, row in waiting.items() if row.failing},
        "unsent_events": sum(row.unsent for row in rows),
        "unsent_oldest": min((row.unsent_oldest for row in rows if row.unsent), default=None),
    }


_SINCE = text(
    """
SELECT status, count(*) AS number FROM sagas
WHERE status IN ('accepted', 'running', 'undoing', 'review', 'completed', 'undone')
  AND id >= CAST(:first AS uuid)
GROUP BY status
"""
)
