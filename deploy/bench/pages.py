"""Times the pages of the console, and the JSON behind them, one request after the other.

`{order}`, `{event}` and `{command}` in a path are those of an order from the middle of what is
stored, so that neither its rows nor the time in its ids are the latest.
"""

import time
from functools import cache
from statistics import quantiles

import psycopg

from contracts.runtime.access import COOKIE
from deploy.client import Platform
from deploy.console import session
from deploy.console.order import TABS
from deploy.local import lifecycle
from deploy.local.stack import Stack

WARM, TIMES = 5, 50
ORDERS = "/console/orders"
FILTERS = (
    *("status=running", "status=review", "status=completed", "status=undone", "retrying=true"),
    *("waiting_longer_than=300", "paused=true", "step=capture+payment", "failure=declined"),
    *("failure=nowhere", "saga=parcel", "saga=order&status=completed", "cursor={saga}"),
    *("saga=return&status=completed", "status=undone&failure=nowhere", "q={order}"),
)
PAGES = (
    "/console",
    ORDERS,
    *(f"{ORDERS}?{chosen}" for chosen in FILTERS),
    *(f"{ORDERS}/{{order}}?tab={tab}" for tab in TABS),
    *("/console/attention", "/console/attention?role=risk", "/console/attention?unclaimed=true"),
    *("/console/failures", "/console/failures?since_seconds=604800"),
    *("/console/events/{event}", "/console/consumers"),
    *("/console/dead-letters", "/console/dead-letters?type=OrderConfirmed"),
    *("/console/process", "/console/process?saga=parcel", "/console/reports"),
    *("/console/reports?since=2020-01-01&to=2030-01-01", "/console/audit", "/console/simulators"),
    *(f"/console/find?id={{{what}}}" for what in ("order", "saga", "event", "command")),
)
# An order in the middle, the one with the most events about there.
MIDDLE = """
SELECT sagas.id AS saga, subject AS order, (commands -> 0 ->> 'id') AS command,
    (SELECT id FROM trail.events WHERE events.subject = sagas.subject::text ORDER BY id LIMIT 1)
        AS event
FROM (SELECT id, subject FROM orchestrator.sagas WHERE name = 'order'
      OFFSET (SELECT count(*) / 2 FROM orchestrator.sagas WHERE name = 'order') LIMIT 100) AS sagas
JOIN orchestrator.journal ON saga_id = sagas.id AND json_array_length(commands) > 0
ORDER BY (SELECT count(*) FROM trail.events WHERE events.subject = sagas.subject::text) DESC,
    version DESC LIMIT 1
"""


def timed(stack: Stack, path: str) -> tuple[float, float]:
    """How long the answer at a path takes an operator, p50 and p95, in milliseconds."""
    token = lifecycle.token(stack, "operator", "stored")
    begun = session.begun(token, lifecycle.config(stack))
    platform = Platform(stack.url, token)
    whole = path.format_map(middle(stack.postgres.url))
    took = []
    for _ in range(WARM + TIMES):
        began = time.perf_counter()
        platform.call("GET", whole, Cookie=f"{COOKIE}={begun.token}")
        took.append((time.perf_counter() - began) * 1000)
    hundredths = quantiles(took[WARM:], n=100, method="inclusive")
    return hundredths[49], hundredths[94]


@cache
def middle(admin_url: str) -> dict[str, str]:
    """The ids of an order in the middle: its own, its saga's, and one event and command of it."""
    with psycopg.connect(admin_url) as connection:
        found = connection.execute(MIDDLE)
        names = [column.name for column in found.description or ()]
        row = found.fetchone()
    return {name: str(value) for name, value in zip(names, row or (), strict=False)}
