"""How the platform stands at this moment: what `/metrics`, `GET /now` and `GET /services` ask.

They tell of these rows, each in its own words, and count nothing of the kind by themselves: so they
cannot disagree. Questions are few and cheap, one round trip each. What has ended is never counted:
sagas are found by their open statuses, deliveries by the index of those that are open. Stuck is
computed, not guessed: every wait has a declared end, and what is well past it is overdue.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, text

from contracts.runtime.database import Database
from contracts.runtime.settings import settings

Rows = Sequence[Row[Any]]
GRACE_SECONDS = 10.0  # a saga that is due is woken well within it


@dataclass(frozen=True)
class Sagas:
    """What is open at the orchestrator.

    `by_step`: saga, step, status, number, oldest. `overdue`, whose time has come and that nobody
    woke: saga, number; not those about which a question is `past`, so that none is told twice.
    `reviews`: owner, number, unclaimed, near (three quarters of their time have gone), past and
    oldest. `totals`: at (when it was asked), accepted, paused, retrying.
    """

    by_step: Rows
    overdue: Rows
    reviews: Rows
    totals: Row[Any]


def sagas(orchestrator: Database) -> Sagas:
    """The sagas that are open, and the questions to people."""
    grace = settings().wait(GRACE_SECONDS, least=GRACE_SECONDS)
    return Sagas(
        by_step=by_step(orchestrator),
        overdue=orchestrator.read(_OVERDUE, grace=grace),
        reviews=orchestrator.read(_REVIEWS),
        totals=orchestrator.read(_TOTALS)[0],
    )


def by_step(orchestrator: Database) -> Rows:
    """How many unfinished sagas stand at each step, by status, and since when the oldest does."""
    return orchestrator.read(_BY_STEP)


def retried(orchestrator: Database) -> Rows:
    """Which steps of the sagas that are `retrying` are tried again: saga, step, number."""
    return orchestrator.read(_RETRIED)


def waiting(service: Database) -> Row[Any]:
    """What waits in the schema of a service, when it was asked (`at`), and since when the oldest.

    `paused`: the pause, if there is one. `waiting`: messages that are kept to be handled later;
    `aside`: those of them that failed. `intents`: calls outside that are to be made; `failing`:
    those of them that failed. `unsent`: events that have not left. `dead`: dead letters.
    """
    return service.read(_WAITING)[0]


def subscribers(trail: Database) -> Rows:
    """What each subscriber has not handled: at (when it was asked), subscriber, pending, retrying,
    dead, oldest_open; `known` unless it subscribes no more."""
    return trail.read(_SUBSCRIBERS)


_BY_STEP = text("""
SELECT name AS saga, step, status, count(*) AS number, min(changed_at) AS oldest
FROM sagas WHERE status IN ('running', 'undoing', 'review')
GROUP BY name, step, status ORDER BY name, step, status
""")
_OVERDUE = text("""
SELECT name AS saga, count(*) AS number FROM sagas
WHERE status <> 'accepted' AND wake_at < now() - CAST(:grace AS interval) AND NOT EXISTS
  (SELECT FROM reviews WHERE saga_id = sagas.id AND closed_at IS NULL AND until < now())
GROUP BY name
""")
_REVIEWS = text("""
SELECT owner, count(*) AS number, count(*) FILTER (WHERE claimed_by IS NULL) AS unclaimed,
       count(*) FILTER (WHERE now() > opened_at + (until - opened_at) * 0.75) AS near,
       count(*) FILTER (WHERE now() > until) AS past, min(opened_at) AS oldest
FROM reviews WHERE closed_at IS NULL GROUP BY owner ORDER BY owner
""")
_TOTALS = text("""
SELECT clock_timestamp() AS at,
       (SELECT count(*) FROM sagas WHERE status = 'accepted') AS accepted,
       (SELECT count(*) FROM sagas WHERE paused) AS paused,
       (SELECT count(*) FROM sagas WHERE retrying) AS retrying
""")
# A step is tried again as `tell.is_retrying` has it.
_RETRIED = text("""
SELECT name AS saga, tried ->> 'name' AS step, count(*) AS number
FROM sagas, json_array_elements(state -> 'steps') AS tried
WHERE retrying AND tried ->> 'due_at' IS NOT NULL
  AND ((tried ->> 'refusals')::int > 0
       OR (tried ->> CASE tried ->> 'kind' WHEN 'query' THEN 'queries' ELSE 'sends' END)::int > 1)
GROUP BY 1, 2
""")
_WAITING = text("""
SELECT now() AS at, pause.told AS paused, kept.*, wanted.*, unsent.*, letters.*
FROM
  (SELECT count(*) FILTER (WHERE envelope IS NOT NULL) AS waiting,
          min(at) FILTER (WHERE envelope IS NOT NULL) AS waiting_oldest,
          count(*) FILTER (WHERE error IS NOT NULL) AS aside,
          min(at) FILTER (WHERE error IS NOT NULL) AS aside_oldest
   FROM attempts WHERE due_at IS NOT NULL) AS kept,
  (SELECT count(*) AS intents, count(*) FILTER (WHERE attempts > 0) AS failing,
          min(at) AS intents_oldest
   FROM intents WHERE state = 'pending') AS wanted,
  (SELECT count(*) AS unsent, min(at) AS unsent_oldest
   FROM outbox WHERE sent_at IS NULL) AS unsent,
  (SELECT count(*) AS dead FROM dead_letters) AS letters
LEFT JOIN
  (SELECT json_build_object('by', by, 'at', at, 'until', until, 'reason', reason) AS told
   FROM pauses WHERE until > now()) AS pause ON true
""")
_SUBSCRIBERS = text("""
SELECT now() AS at, subscriber, known.subscriber IS NOT NULL AS known,
       coalesce(pending, 0) AS pending, coalesce(retrying, 0) AS retrying,
       coalesce(dead, 0) AS dead, oldest_open
FROM (SELECT DISTINCT subscriber FROM subscriptions WHERE subscriber <> 'trail') AS known
FULL JOIN
  (SELECT subscriber, count(*) FILTER (WHERE state = 'pending') AS pending,
          count(*) FILTER (WHERE state = 'retrying') AS retrying,
          count(*) FILTER (WHERE state = 'dead') AS dead,
          min(changed_at) FILTER (WHERE state <> 'dead') AS oldest_open
   FROM deliveries WHERE state <> 'handled' AND state IN ('pending', 'retrying', 'dead')
   GROUP BY subscriber) AS open USING (subscriber)
ORDER BY subscriber
""")
