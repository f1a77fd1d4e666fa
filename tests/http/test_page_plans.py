"""What the pages of the console cost among many orders and events, without a clock: how many
statements a page takes, and that each of them finds what it shows by an index."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, event

from contracts.delivery.memory import Memory
from contracts.runtime.access import COOKIE
from contracts.runtime.settings import settings
from contracts.runtime.tokens import mint
from deploy.api import build
from deploy.bench.pages import PAGES, middle
from deploy.bench.stored import fill
from deploy.console import session
from deploy.services import services
from tests.http.ended import ONE, one_ended
from tests.participants.bench import SIGNING_KEY

ORDERS, EVENTS_EACH = 4000, 9
# Tables that grow with the orders, and how many rows of them a page may read in vain.
LARGE = ("sagas", "journal", "events", "deliveries", "stock_entries")
IN_VAIN = 1000
# Some pages ask every service, and some about an order in both halves.
MOST_STATEMENTS = len(services()) + 10
MOVED = """
INSERT INTO inventory.stock_entries (sku, warehouse, order_id, reason, units, source, target)
VALUES ('sku', 'main', %s, 'reserved', 1, 'on_hand', 'reserved')
"""
NEW = "(left({}::text, 24) || lpad(number::text, 12, '0'))::uuid"
MORE_EVENTS = f"""
INSERT INTO trail.events
SELECT {NEW.format("id")}, type, at, source, subject, saga, cause, logged_at, envelope
FROM trail.events, generate_series(2, {EVENTS_EACH}) AS number;
INSERT INTO trail.deliveries (event_id, subscriber, state, attempts, reason, asked)
SELECT {NEW.format("event_id")}, subscriber, state, attempts, reason, asked
FROM trail.deliveries, generate_series(2, {EVENTS_EACH}) AS number
"""


@dataclass
class Asked:
    """The statements that a page takes: which engine was asked what, with what."""

    statements: list[tuple[Engine, str, Any]] = field(default_factory=list)

    def note(self, connection: Any, _: Any, statement: str, parameters: Any, *more: Any) -> None:
        """Remember one; for SQLAlchemy."""
        if not statement.startswith("EXPLAIN"):
            self.statements.append((connection.engine, statement, parameters))

    def plans(self) -> Iterator[str]:
        """How the database answers each of those that read a large table."""
        for engine, statement, parameters in self.statements:
            if any(re.search(rf"\b{table}\b", statement) for table in LARGE):
                with engine.connect() as connection:
                    explain = f"EXPLAIN (ANALYZE) {statement}"
                    rows = connection.exec_driver_sql(explain, parameters)
                    yield f"{statement}\n" + "\n".join(rows.scalars())


@pytest.fixture(scope="module")
def filled(postgres: str) -> Iterator[tuple[TestClient, str]]:
    """An operator at the console of a platform that has been filled, and where its database is."""
    patch = pytest.MonkeyPatch()
    patch.setenv("CONCERTO_SIGNING_KEY", SIGNING_KEY)
    settings.cache_clear()
    with one_ended(postgres, "plans") as config:
        with psycopg.connect(config.database_url, autocommit=True) as connection:
            connection.execute(MOVED, [ONE])
            connection.execute(MORE_EVENTS)
        fill(config.database_url, ORDERS, 0)
        memory = Memory(config)
        for service in services():
            memory.host(service.load())
        begun = session.begun(mint(config, "operator", "vera"), config)
        cookie = {"Cookie": f"{COOKIE}={begun.token}"}
        with TestClient(build(config, memory.hosts), headers=cookie) as client:
            yield client, config.database_url
    patch.undo()
    settings.cache_clear()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_takes_few_statements_and_finds_by_an_index(
    filled: tuple[TestClient, str], page: str
) -> None:
    """No page asks once for each row that it shows; none reads what has ended, one row after the
    other, to find what it shows."""
    asked, (client, database) = Asked(), filled
    event.listen(Engine, "before_cursor_execute", asked.note)
    try:
        answer = client.get(page.format_map(middle(database)))
    finally:
        event.remove(Engine, "before_cursor_execute", asked.note)
    assert answer.status_code == 200, answer.text
    assert len(asked.statements) <= MOST_STATEMENTS, asked.statements
    for plan in asked.plans():
        assert not re.search(rf"Seq Scan on ({'|'.join(LARGE)})\b", plan), plan
        removed = map(int, re.findall(r"Rows Removed by Filter: (\d+)", plan))
        assert max(removed, default=0) <= IN_VAIN, plan
