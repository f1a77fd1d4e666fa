"""Fills a stack with orders and events as if it had run for months, and times what it then answers.

`python -m deploy.bench.stored --data DIR --orders 100000 --events 1000000 --pages`: a few
orders that the stack has ended (`concerto demo --keep`) are copied again and again, in the
database: all ids of an order begin with its time, so that a copy has another time in their place,
its saga the id that follows from the order's, and its times lie as much earlier. What a copy has
been charged and shipped stands in no simulator: `verify` has nothing to say about such a stack.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row
from psycopg.sql import SQL, Composed, Identifier, Literal

from contracts.messages.values import saga_id_of
from deploy.bench import pages, reported
from deploy.client import Refused
from deploy.local.stack import Stack

PREFIX = 13  # characters of an id that are its time
MOST_SAMPLES = 30
REVIEW = "review"
ENDS = (("completed", "undone"), ("undone", "completed"))
STATUSES = ("completed", "undone", REVIEW)
UNDONE_EVERY = 5
SPREAD = timedelta(days=90)
OPEN_EVERY = 500  # of so many orders one waits for a person
SLICE = 20_000
# The rows of an order, by table; those of the trail are copied also for events beyond the orders.
OF_EVENT = "r.event_id IN (SELECT id FROM trail.events WHERE subject = s.order_id::text)"
TABLES = {
    "orchestrator.sagas": "r.subject = s.order_id",
    "orchestrator.journal": "r.saga_id = s.saga_id",
    "orchestrator.reviews": "r.subject = s.order_id",
    "orders.orders": "r.id = s.order_id",
    "payments.money_entries": "r.order_id = s.order_id",
    "inventory.stock_entries": "r.order_id = s.order_id",
    "search.order_index": "r.order_id = s.order_id",
    "analytics.applied_orders": "r.order_id = s.order_id",
    "analytics.reached_steps": "r.order_id = s.order_id",
    "trail.events": "r.subject = s.order_id::text",
    "trail.deliveries": OF_EVENT,
    "trail.receipts": OF_EVENT,
}
# One order for each way to end, without children and other sagas of its own.
SAMPLES = f"""
SELECT DISTINCT ON (status, step, failure) id::text AS saga_id, subject::text AS order_id, status,
    started_at, (SELECT count(*) FROM trail.events WHERE subject = sagas.subject::text) AS events
FROM orchestrator.sagas
WHERE name = 'order' AND status IN ('completed', 'undone', 'review') AND NOT EXISTS
    (SELECT FROM orchestrator.sagas AS other
     WHERE other.subject = sagas.subject AND other.id <> sagas.id)
    AND NOT EXISTS (SELECT FROM trail.events JOIN trail.deliveries ON event_id = events.id
     WHERE subject = sagas.subject::text AND state IN ('pending', 'retrying', 'dead'))
ORDER BY status, step, failure, events DESC LIMIT {MOST_SAMPLES}
"""
COLUMNS = """
SELECT column_name AS name, data_type AS kind FROM information_schema.columns
WHERE table_schema = %s AND table_name = %s AND is_identity = 'NO'
"""
TALLIED = """
LOCK TABLE trail.tallies IN EXCLUSIVE MODE;
DELETE FROM trail.tallies;
INSERT INTO trail.tallies SELECT subscriber, state, count(*) FROM trail.deliveries
WHERE state IN ('handled', 'ignored') GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Copy:
    """One copy of a sample: its number, the beginning of its ids, its saga, how much earlier it
    is, and whether the order is copied or its events alone."""

    number: int
    order_id: str
    prefix: str
    saga_id: str
    earlier: timedelta
    whole: bool


def fill(admin_url: str, orders: int, events: int) -> dict[str, int]:
    """Copy orders and events until there are so many more; the rows by table."""
    with psycopg.connect(admin_url, autocommit=True, row_factory=namedtuple_row) as connection:
        connection.execute("SET synchronous_commit = off")
        samples: list[Any] = connection.execute(SAMPLES).fetchall()
        if not any(sample.events for sample in samples if sample.status != REVIEW):
            raise Refused("no order has ended here that could be copied: run concerto demo --keep")
        copies = list(_copies(samples, orders, events))
        _store(connection, copies)
        copied = {table: _copy(connection, table, len(copies)) for table in TABLES}
        with connection.transaction():
            connection.execute(TALLIED)
        for table in (*TABLES, "trail.tallies"):
            connection.execute(SQL("VACUUM (ANALYZE) {}").format(_named(table)))
        reported.report(connection, copied["analytics.applied_orders"])
        return copied


def _copies(samples: Sequence[Any], orders: int, events: int) -> Iterator[Copy]:
    chosen = list(_chosen(samples, orders, events))
    step = SPREAD / len(chosen)
    first = datetime.now(UTC) - SPREAD - timedelta(hours=1)
    for number, sample in enumerate(chosen):
        at = first + number * step
        milliseconds = f"{int(at.timestamp() * 1000):012x}"
        prefix = f"{milliseconds[:8]}-{milliseconds[8:]}"
        saga_id = saga_id_of(prefix + sample.order_id[PREFIX:])
        whole = number >= len(chosen) - orders
        yield Copy(number, sample.order_id, prefix, saga_id, sample.started_at - at, whole)


def _chosen(samples: Sequence[Any], orders: int, events: int) -> Iterator[Any]:
    """One sample after the other until orders and events are enough: most are completed, the others
    take turns, and seldom one waits for a person."""
    by = {status: [s for s in samples if s.status == status and s.events] for status in STATUSES}
    completed, undone = (cycle(by[status] or by[other]) for status, other in ENDS)
    count = 0
    while orders > count or events > 0:
        count += 1
        sample = next(undone if count % UNDONE_EVERY == 0 else completed)
        if by[REVIEW] and count % OPEN_EVERY == 0:
            sample = by[REVIEW][0]
        events -= sample.events
        yield sample


def _store(connection: psycopg.Connection[Any], copies: Sequence[Copy]) -> None:
    connection.execute(
        "CREATE TEMP TABLE copies (number int PRIMARY KEY, order_id uuid, old text, new text, "
        "old_saga text, saga_id uuid, new_saga text, earlier interval, whole bool)"
    )
    with connection.cursor() as cursor, cursor.copy("COPY copies FROM STDIN") as rows:
        for copy in copies:
            saga_id = saga_id_of(copy.order_id)
            told = (copy.number, copy.order_id, copy.order_id[:PREFIX], copy.prefix)
            rows.write_row((*told, saga_id, saga_id, copy.saga_id, copy.earlier, copy.whole))
    connection.execute("ANALYZE copies")


def _copy(connection: psycopg.Connection[Any], table: str, count: int) -> int:
    """Copy the rows of a table, some thousand copies at a time; how many."""
    columns = connection.execute(COLUMNS, table.split(".")).fetchall()
    trail = table.startswith("trail.")
    statement = SQL(
        "INSERT INTO {table} ({names}) SELECT {values} FROM copies AS s JOIN {table} AS r "
        "ON {mine} WHERE s.number >= {first} AND s.number < {end} AND (s.whole OR {trail}) "
        "ON CONFLICT DO NOTHING"
    )
    parts: dict[str, Any] = {
        "table": _named(table),
        "names": SQL(", ").join(Identifier(column.name) for column in columns),
        "values": SQL(", ").join(_value(column, trail) for column in columns),
        "mine": SQL(TABLES[table]),
        "trail": Literal(trail),
    }
    copied = 0
    for first in range(0, count, SLICE):
        whole = statement.format(first=first, end=first + SLICE, **parts)
        copied += connection.execute(whole).rowcount
    return copied


def _named(table: str) -> Identifier:
    return Identifier(*table.split("."))


def _value(column: Any, event: bool) -> Composed:
    """What a copy has in this column; the id of an event may have begun with a later time."""
    name = Identifier("r", column.name)
    if column.kind == "uuid" and event:
        return SQL("(s.new || substr({}::text, {}))::uuid").format(name, PREFIX + 1)
    if column.kind in ("uuid", "text", "json"):
        said = SQL("replace(replace({}::text, s.old_saga, s.new_saga), s.old, s.new)::{}")
        return said.format(name, SQL(column.kind))
    if column.kind == "date":
        return SQL("({} - s.earlier)::date").format(name)
    if column.kind == "timestamp with time zone":
        said = SQL("CASE WHEN {0} <= now() THEN {0} - s.earlier ELSE {0} END")
        return said.format(name)
    return SQL("{}").format(name)


def main() -> None:
    """Fill the stack in DIR, and time the paths."""
    asked = argparse.ArgumentParser(prog="stored")
    asked.add_argument("--data", type=Path, required=True)
    asked.add_argument("--orders", type=int, default=0)
    asked.add_argument("--events", type=int, default=0)
    asked.add_argument("--get", nargs="*", default=[], metavar="PATH")
    asked.add_argument("--pages", action="store_true", help="time every page of the console")
    told = asked.parse_args()
    stack = Stack.read(told.data)
    began = time.monotonic()
    if told.orders or told.events:
        for table, count in fill(stack.postgres.url, told.orders, told.events).items():
            print(f"{count:9}  {table}")
        print(f"{time.monotonic() - began:9.1f}  seconds")
    for path in (*told.get, *(pages.PAGES if told.pages else ())):
        p50, p95 = pages.timed(stack, path)
        print(f"{p50:7.1f} ms p50 {p95:7.1f} ms p95  {path}", flush=True)


if __name__ == "__main__":
    main()
