"""What is asked of each schema for `/metrics`: columns are named as the gauges, or as labels."""

# Of every service: what delivery still has to do.
DELIVERY = """
SELECT
  (SELECT count(*) FROM dead_letters WHERE replayed_at IS NULL) AS dead_letters,
  (SELECT count(*) FROM pauses WHERE until > now()) AS service_paused,
  aside.number AS put_aside, aside.oldest AS put_aside_oldest_seconds,
  pending.number AS intents_pending, pending.failing AS intents_failing,
  pending.oldest AS intents_oldest_seconds,
  unsent.number AS events_unsent, unsent.oldest AS events_oldest_seconds
FROM
  (SELECT count(*) AS number,
          coalesce(extract(epoch FROM now() - min(at)), 0)::float AS oldest
   FROM attempts WHERE due_at IS NOT NULL AND error IS NOT NULL) AS aside,
  (SELECT count(*) AS number, count(*) FILTER (WHERE attempts > 0) AS failing,
          coalesce(extract(epoch FROM now() - min(at)), 0)::float AS oldest
   FROM intents WHERE state = 'pending') AS pending,
  (SELECT count(*) AS number,
          coalesce(extract(epoch FROM now() - min(at)), 0)::float AS oldest
   FROM outbox WHERE sent_at IS NULL) AS unsent
"""
# Of the orchestrator.
OPEN = """
SELECT name AS saga, step, status, count(*) AS open,
       extract(epoch FROM now() - min(changed_at))::float AS oldest_seconds
FROM sagas WHERE status IN ('running', 'undoing', 'review') GROUP BY name, step, status
"""
ACCEPTED = "SELECT count(*) FROM sagas WHERE status = 'accepted'"
PAUSED = "SELECT count(*) FROM sagas WHERE paused"
OVERDUE = """
SELECT name AS saga, count(*) AS overdue FROM sagas
WHERE status <> 'accepted' AND wake_at < now() - CAST(:grace AS interval) GROUP BY name
"""
RETRYING = """
SELECT name AS saga, step ->> 'name' AS step, count(*) AS retrying
FROM (SELECT name, state FROM sagas
      WHERE status IN ('running', 'undoing') AND step <> ALL(CAST(:parental AS text[]))) AS open,
     json_array_elements(open.state -> 'steps') AS step
WHERE step ->> 'due_at' IS NOT NULL
  AND ((step ->> 'sends')::int > 1 OR (step ->> 'refusals')::int > 0
       OR (step ->> 'queries')::int > 0)
GROUP BY 1, 2
"""
REVIEWS = """
SELECT owner, count(*) AS open, count(*) FILTER (WHERE claimed_by IS NULL) AS unclaimed,
       extract(epoch FROM now() - min(opened_at))::float AS oldest_seconds,
       count(*) FILTER (WHERE now() > opened_at + (until - opened_at) * 0.75) AS near,
       count(*) FILTER (WHERE now() > until) AS past
FROM reviews WHERE closed_at IS NULL GROUP BY owner
"""
# Of the trail.
DELIVERIES = """
SELECT subscriber, state, count(*) AS open FROM deliveries
WHERE state <> 'handled' AND state IN ('pending', 'retrying', 'dead') GROUP BY subscriber, state
"""
OLDEST = """
SELECT subscriber, extract(epoch FROM now() - min(changed_at))::float AS oldest_seconds
FROM deliveries WHERE state <> 'handled' AND state IN ('pending', 'retrying') GROUP BY subscriber
"""
