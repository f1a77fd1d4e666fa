"""How the platform stands at this moment, in few and cheap questions.

What has ended is never counted: sagas are found by their open statuses, those of the last hour by
their ids (which begin with the time), deliveries by the index of those that are open. Counts of
what may pile up stop at `MOST`. Stuck is computed, not guessed: every wait has a declared end, and
what is well past it is overdue.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from contracts.messages.values import stamped
from contracts.runtime.database import Database
from contracts.runtime.session import BatchSession
from contracts.runtime.settings import settings
from deploy.everywhere import Everywhere
from orchestrator.sagas import PARENTAL

Firing = Callable[[dict[str, Any]], list[dict[str, Any]]]
MOST = 100_000
GRACE_SECONDS = 10.0  # a saga that is due is woken well within it
ENDED = ("completed", "undone")


class Now:
    """What is read, and where from; `firing` says which alerts what was read sets off."""

    def __init__(
        self, orchestrator: Database, trail: Database, everywhere: Everywhere, firing: Firing
    ) -> None:
        self._orchestrator, self._trail = orchestrator, trail
        self._everywhere, self._firing = everywhere, firing

    def read(self) -> dict[str, Any]:
        """The JSON of `GET /now`."""
        with self._orchestrator.transaction() as session:
            at = session.scalar(text("SELECT clock_timestamp()"))
            told = _orchestrated(session, at)
        depths = {name: row for name, (row,) in self._everywhere.ask(_DEPTHS)}
        oldest = [row.oldest for row in depths.values()]
        resting = {name for name, row in depths.items() if row.paused}
        with self._trail.transaction() as session:
            consumers = _consumers(session, resting)
        now = {
            "at": at,
            **told,
            "consumers": consumers,
            "dead_letters": sum(row.dead for row in depths.values()),
            "put_aside": sum(row.aside for row in depths.values()),
            "failing": {n: row.failing for n, row in depths.items() if row.failing},
            "unsent_events": sum(row.unsent for row in depths.values()),
            "unsent_oldest": min(filter(None, oldest), default=None),
        }
        return {**now, "alerts": self._firing(now)}


def live(session: BatchSession) -> list[dict[str, Any]]:
    """How many unfinished sagas stand at each step, by status, and since when the oldest does."""
    return [dict(row._mapping) for row in session.execute(_BY_STEP)]


def _orchestrated(session: BatchSession, at: datetime) -> dict[str, Any]:
    steps = live(session)
    by_status: Counter[str] = Counter()
    for row in steps:
        by_status[row["status"]] += row["count"]
    more = session.execute(_MORE, {"before": at - _grace(), "at": at}).one()
    hour = session.execute(_SINCE, {"first": stamped(at - timedelta(hours=1))}).all()
    reviews = session.execute(_REVIEWS).all()
    sagas = {
        "by_step": steps,
        "in_flight": by_status["running"] + by_status["undoing"],
        "accepted": more.accepted,
        "in_review": by_status["review"],
        "compensating": by_status["undoing"],
        "overdue": more.asleep + more.undecided,
        "paused": more.paused,
        "retrying": more.retrying,
    }
    return {
        "sagas": sagas,
        "last_hour": _last_hour({row.status: row.count for row in hour}),
        "saturation": _saturation(steps),
        "attention": _attention(reviews),
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


def _saturation(steps: list[dict[str, Any]]) -> dict[str, Any]:
    """How much of the room there is taken; who waits for its children takes none."""
    taken = sum(
        row["count"]
        for row in steps
        if row["status"] in ("running", "undoing") and row["step"] not in PARENTAL
    )
    limit = settings().in_flight_sagas
    return {"in_flight": taken, "limit": limit, "share": round(taken / limit, 4)}


def _attention(reviews: list[Any]) -> dict[str, Any]:
    return {
        "open": sum(row.count for row in reviews),
        "unclaimed": sum(row.unclaimed for row in reviews),
        "near": sum(row.near for row in reviews),
        "oldest": min((row.oldest for row in reviews), default=None),
        "by_role": {row.owner: row.count for row in reviews},
    }


def _consumers(session: BatchSession, resting: set[str]) -> list[dict[str, Any]]:
    rows = session.execute(_CONSUMERS)
    return [{**row._mapping, "paused": row.subscriber in resting} for row in rows]


def _grace() -> timedelta:
    return settings().wait(GRACE_SECONDS, least=GRACE_SECONDS)


_BY_STEP = text(
    """
SELECT name AS saga, step, status, count(*) AS count, min(changed_at) AS oldest
FROM sagas WHERE status IN ('running', 'undoing', 'review')
GROUP BY name, step, status ORDER BY name, step, status
"""
)
_MORE = text(
    f"""
SELECT
  (SELECT count(*) FROM (SELECT FROM sagas WHERE status = 'accepted' LIMIT {MOST})) AS accepted,
  (SELECT count(*) FROM sagas
   WHERE status <> 'accepted' AND status <> 'review' AND wake_at < :before) AS asleep,
  (SELECT count(*) FROM reviews WHERE closed_at IS NULL AND until < :at) AS undecided,
  (SELECT count(*) FROM sagas WHERE paused) AS paused,
  (SELECT count(*) FROM sagas WHERE retrying) AS retrying
"""
)
_SINCE = text(
    """
SELECT status, count(*) AS count FROM sagas
WHERE status IN ('accepted', 'running', 'undoing', 'review', 'completed', 'undone')
  AND id >= CAST(:first AS uuid)
GROUP BY status
"""
)
_REVIEWS = text(
    """
SELECT owner, count(*) AS count, count(*) FILTER (WHERE claimed_by IS NULL) AS unclaimed,
       count(*) FILTER (WHERE now() > opened_at + (until - opened_at) * 0.75) AS near,
       min(opened_at) AS oldest
FROM reviews WHERE closed_at IS NULL GROUP BY owner ORDER BY owner
"""
)
_CONSUMERS = text(
    """
SELECT known.subscriber, count(*) FILTER (WHERE state IN ('pending', 'retrying')) AS depth,
       count(*) FILTER (WHERE state = 'dead') AS dead,
       min(changed_at) FILTER (WHERE state IN ('pending', 'retrying')) AS oldest_open
FROM (SELECT DISTINCT subscriber FROM subscriptions WHERE subscriber <> 'trail') AS known
LEFT JOIN deliveries ON deliveries.subscriber = known.subscriber
  AND state <> 'handled' AND state IN ('pending', 'retrying', 'dead')
GROUP BY known.subscriber ORDER BY known.subscriber
"""
)
_DEPTHS = text(
    f"""
SELECT (SELECT count(*) FROM (SELECT FROM dead_letters LIMIT {MOST})) AS dead,
       (SELECT count(*) FROM (SELECT FROM attempts WHERE due_at IS NOT NULL AND error IS NOT NULL
                              LIMIT {MOST})) AS aside,
       (SELECT count(*) FROM (SELECT FROM intents WHERE state = 'pending' AND attempts > 0
                              LIMIT {MOST})) AS failing,
       (SELECT count(*) FROM (SELECT FROM outbox LIMIT {MOST})) AS unsent,
       (SELECT min(at) FROM outbox WHERE sent_at IS NULL) AS oldest,
       EXISTS (SELECT FROM pauses WHERE until > now()) AS paused
"""
)
