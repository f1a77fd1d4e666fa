"""`/metrics`: how the platform stands, from the databases, and what was asked of the API."""

import re
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from sqlalchemy import event, text

from contracts.delivery.due import Host
from contracts.messages.returns import ReturnExpected
from contracts.runtime import metrics
from contracts.runtime.database import Database
from contracts.runtime.health import FOLDER
from contracts.runtime.settings import Settings
from deploy.everywhere import Everywhere
from deploy.monitoring.standing import Standing
from tests.http.conftest import Edge
from tests.http.people import Returned

SERIES = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.M)


@pytest.fixture
def began(edge: Edge) -> Returned:
    """A return about which support is asked, and one that waits for an answer."""
    Returned.begun(edge.host)
    asked = Returned.begun(edge.host)
    asked.answered("register return", ReturnExpected)
    return asked


@pytest.fixture
def trail(edge: Edge) -> Iterator[Database]:
    """The trail's database."""
    database = Database("trail", _config(edge))
    yield database
    database.close()


def test_open_sagas_and_reviews_are_told(edge: Edge, began: Returned) -> None:
    """By saga, step and status, and by who is asked; nothing that has ended."""
    found = told(edge.url)
    waiting = 'saga="return",status="running",step="register return"'
    asked = 'saga="return",status="review",step="register return"'
    assert found["concerto_sagas_open", waiting] >= 1
    assert found["concerto_sagas_open", asked] >= 1
    assert found["concerto_sagas_oldest_seconds", asked] >= 0
    assert found["concerto_reviews_open", 'owner="support"'] >= 1
    assert found["concerto_database_up", 'service="orchestrator"'] == 1
    assert ("concerto_sagas_open", 'saga="return",status="completed"') not in found


def test_what_nobody_does_in_time_is_told(edge: Edge, began: Returned) -> None:
    """A saga that nobody woke is overdue, a question soon over is near its end, then past it."""
    before = standing(edge)
    _change(edge.host, f"UPDATE sagas SET wake_at = now() - interval '1 h' WHERE {_saga(began)}")
    _review(edge.host, began, opened_days=10, until_days=1)
    after = standing(edge)
    assert _grew(before, after, "concerto_sagas_overdue", 'saga="return"') == 1
    assert _grew(before, after, "concerto_reviews_near", 'owner="support"') == 1
    assert _grew(before, after, "concerto_reviews_past", 'owner="support"') == 0
    _review(edge.host, began, opened_days=10, until_days=-1)
    assert _grew(before, standing(edge), "concerto_reviews_past", 'owner="support"') == 1
    _change(edge.host, f"UPDATE sagas SET wake_at = now() + interval '1 h' WHERE {_saga(began)}")


def test_what_delivery_has_to_do_is_told(edge: Edge) -> None:
    """Dead letters, what is put aside, events that have not left, and a pause, by service."""
    before = standing(edge)
    new = "gen_random_uuid()"
    _change(
        edge.host,
        f"INSERT INTO dead_letters (id, type, subject, attempts, reason) VALUES ({new}, '', '', 1,"
        f" 'broken'); INSERT INTO attempts (id, count, due_at, error) VALUES ({new}, 1, now(), '');"
        f"INSERT INTO outbox (id, at, envelope, due_at) VALUES ({new}, now() - interval '90 s',"
        " '{}', now() + interval '1 h');"
        "INSERT INTO pauses (one, by, at, until, reason) VALUES (true, 'ann', now(), now() +"
        " interval '1 h', 'a fault')",
    )
    after, mine = standing(edge), 'service="orchestrator"'
    for gauge in ("concerto_dead_letters", "concerto_put_aside", "concerto_events_unsent"):
        assert _grew(before, after, gauge, mine) == 1, gauge
    assert after["concerto_events_oldest_seconds", mine] >= 90
    assert after["concerto_service_paused", mine] == 1
    _change(edge.host, "TRUNCATE dead_letters, attempts, outbox, pauses")


def test_a_subscriber_that_is_behind_is_told(edge: Edge, trail: Database) -> None:
    """What is open, since when, and how long it may be by what the subscriber declares."""
    row = "INSERT INTO deliveries VALUES (gen_random_uuid(), 'email', '{}', 1, '', {}, 0)"
    with trail.transaction() as session:
        session.execute(text(row.format("pending", "now() - interval '3 h'")))
        session.execute(text(row.format("dead", "now()")))
        session.execute(text(row.format("handled", "now()")))
    found = standing(edge)
    assert found["concerto_deliveries_open", 'state="pending",subscriber="email"'] == 1
    assert found["concerto_deliveries_open", 'state="dead",subscriber="email"'] == 1
    assert ("concerto_deliveries_open", 'state="handled",subscriber="email"') not in found
    late = found["concerto_deliveries_oldest_seconds", 'subscriber="email"']
    assert late > found["concerto_deliveries_limit_seconds", 'subscriber="email"'] > 60
    with trail.transaction() as session:
        session.execute(text("TRUNCATE deliveries"))


def test_it_is_cheap_to_ask(edge: Edge) -> None:
    """A constant number of questions, and none within a second of the last."""
    at = [0.0]
    kept = Standing(Everywhere({"orchestrator": edge.host.db}), lambda: at[0])
    asked: list[str] = []
    listened = edge.host.db.engine, "before_cursor_execute", lambda *told: asked.append(told[2])
    event.listen(*listened)
    for at[0], most in ((0.0, 6), (0.9, 6), (1.1, 12)):
        list(kept.collect())
        assert most - 6 < len(asked) <= most
    event.remove(*listened)


def test_a_database_that_is_away_is_told(edge: Edge) -> None:
    """The others are told all the same."""
    away = Database("email", Settings(database_url="postgresql://127.0.0.1:1/none"))
    found = _read(Standing(Everywhere({"email": away, "orchestrator": edge.host.db})))
    assert found["concerto_database_up", 'service="email"'] == 0
    assert found["concerto_database_up", 'service="orchestrator"'] == 1


def test_a_worker_that_gives_no_sign_of_life_is_told(
    edge: Edge, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its heartbeat is old, or there is none at all."""
    monkeypatch.setenv(FOLDER, str(tmp_path))
    (tmp_path / "email.1.alive").touch()
    found = standing(edge)
    assert found["concerto_heartbeat_age_seconds", 'service="email"'] < 5
    assert found["concerto_heartbeat_age_seconds", 'service="crm"'] == float("inf")


def told(url: str) -> dict[tuple[str, str], float]:
    """The series of `/metrics`, which is open, by name and labels."""
    with urllib.request.urlopen(f"{url}/metrics") as answer:
        return _series(answer.read().decode())


def standing(edge: Edge) -> dict[tuple[str, str], float]:
    """How it stands now, not as it is kept for a second."""
    trail = Database("trail", _config(edge))
    try:
        return _read(Standing(Everywhere({"orchestrator": edge.host.db, "trail": trail})))
    finally:
        trail.close()


def _read(collector: Standing) -> dict[tuple[str, str], float]:
    registry = CollectorRegistry()
    registry.register(collector)
    return _series(generate_latest(registry).decode())


def _series(said: str) -> dict[tuple[str, str], float]:
    return {(name, labels or ""): float(value) for name, labels, value in SERIES.findall(said)}


def _grew(before: dict[Any, float], after: dict[Any, float], name: str, labels: str) -> float:
    return after.get((name, labels), 0.0) - before.get((name, labels), 0.0)


def _config(edge: Edge) -> Settings:
    return edge.host._settings


def _saga(returned: Returned) -> str:
    return f"id = '{returned.saga_id}'"


def _review(host: Host, returned: Returned, opened_days: int, until_days: int) -> None:
    opened, until = timedelta(days=opened_days), timedelta(days=until_days)
    _change(
        host,
        f"UPDATE reviews SET opened_at = now() - interval '{opened.total_seconds():g} s', until = "
        f"now() + interval '{until.total_seconds():g} s' WHERE saga_{_saga(returned)}",
    )


def _change(host: Host, statement: str) -> None:
    with host.db.transaction() as session:
        session.connection().exec_driver_sql(statement)


def test_counting_is_off_here() -> None:
    """In the tests' own process: nothing is counted that nobody asks for."""
    assert not metrics.ON
