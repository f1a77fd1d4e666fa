"""How the platform stands, what fails in it, and the process as it is declared and as it was seen;
over HTTP and from the command line."""

import json
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from sqlalchemy import event
from typer.testing import CliRunner

from contracts.delivery.envelope import read_envelope
from contracts.messages.values import saga_id_of
from contracts.runtime.settings import settings
from contracts.runtime.tokens import mint
from deploy.cli import definitions, operations, orders, overview
from deploy.cli.common import app
from deploy.everywhere import Everywhere
from deploy.overview.now import Now
from tests.overview.conftest import Platform

GROUPS = (definitions, operations, orders, overview)
Command = Callable[..., Any]


@pytest.fixture(scope="module")
def confirmed(platform: Platform) -> str:
    """A confirmed order that no carrier has taken yet."""
    return platform.order()


@pytest.fixture(scope="module")
def suspected(platform: Platform) -> str:
    """An order that risk is asked about."""
    return platform.order(price=1_000_001)


@pytest.fixture
def concerto(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Command:
    """`concerto … --url`, as an operator: what it printed, and its exit code."""

    def run(*words: str) -> tuple[str, int]:
        monkeypatch.setenv("CONCERTO_TOKEN", mint(settings(), "operator", "olga"))
        done = CliRunner().invoke(app, [*words, "--url", platform.url])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.output, done.exit_code

    return run


def test_now_counts_what_is_open(platform: Platform, confirmed: str, suspected: str) -> None:
    """One saga waits for shipping, one for risk; the consumers that did not report; no alert."""
    now = platform.get("/now")
    sagas = now["sagas"]
    assert {(s["step"], s["status"], s["count"]) for s in sagas["by_step"]} == {
        ("start shipping", "running", 1),
        ("check fraud", "review", 1),
    }
    assert (sagas["in_flight"], sagas["in_review"], sagas["accepted"]) == (1, 1, 0)
    assert (sagas["overdue"], sagas["paused"], sagas["retrying"]) == (0, 0, 0)
    assert now["saturation"] == {"in_flight": 1, "limit": 800, "share": 0.0013}
    assert now["attention"]["by_role"] == {"risk": 1}
    assert now["attention"]["unclaimed"] == 1
    assert now["last_hour"]["started"] == 2
    depths = {row["subscriber"]: row["depth"] for row in now["consumers"]}
    assert (depths["crm"], depths["analytics"]) == (1, 0)
    assert "trail" not in depths
    assert (now["dead_letters"], now["alerts"]) == (0, [])


def test_what_is_past_its_declared_end_is_overdue(platform: Platform, suspected: str) -> None:
    """A review whose time is over, and a saga that nobody woke; undecided is not overdue twice."""
    saga = saga_id_of(suspected)
    late = "UPDATE reviews SET until = until - interval '1 day' WHERE saga_id = :saga"
    platform.rows("orchestrator", late, saga=saga)
    now = platform.get("/now")
    assert (now["sagas"]["overdue"], now["attention"]["near"]) == (1, 1)
    back = "UPDATE reviews SET until = until + interval '1 day' WHERE saga_id = :saga"
    platform.rows("orchestrator", back, saga=saga)
    asleep = "UPDATE sagas SET wake_at = wake_at + make_interval(mins => :m) WHERE status = :s"
    platform.rows("orchestrator", asleep, m=-60, s="running")
    assert platform.get("/now")["sagas"]["overdue"] == 1
    platform.rows("orchestrator", asleep, m=60, s="running")
    assert platform.get("/now")["sagas"]["overdue"] == 0


def test_a_consumer_that_is_paused_says_so(platform: Platform) -> None:
    """As long as it is; the others are not."""
    platform.call("POST", "/consumers/crm/pause", {"reason": "its CRM is moved"})
    paused = [row["subscriber"] for row in platform.get("/now")["consumers"] if row["paused"]]
    assert paused == ["crm"]
    platform.call("POST", "/consumers/crm/resume", {"reason": "it is there"})
    assert not [row for row in platform.get("/now")["consumers"] if row["paused"]]


def test_a_call_outside_that_failed_is_told_of_its_service(platform: Platform) -> None:
    """Once it is to be made again; not what is to be made for the first time."""
    wanted = "INSERT INTO intents (id, kind, body, state, attempts, due_at) VALUES"
    wanted += " (gen_random_uuid(), 'Post', '{}', 'pending', :n, now() + interval '1 day')"
    for attempts in (0, 1, 2):
        platform.rows("crm", wanted, n=attempts)
    assert platform.get("/now")["failing"] == {"crm": 2}
    platform.rows("crm", "DELETE FROM intents WHERE kind = 'Post' AND body::text = '{}'")
    assert platform.get("/now")["failing"] == {}


def test_now_asks_each_schema_once(platform: Platform) -> None:
    """One statement about dead letters and the outbox of a service, in no transaction."""
    databases = {name: host.db for name, host in platform.memory.hosts.items()}
    of = databases["orchestrator"], databases["trail"]
    now = Now(*of, Everywhere(databases), lambda told: [{"name": str(told["dead_letters"])}])
    asked: list[str] = []
    listened = databases["crm"].engine, "before_cursor_execute", lambda *told: asked.append(told[2])
    event.listen(*listened)
    now.read()
    event.remove(*listened)
    assert len(asked) == 1
    assert now.read()["alerts"] == [{"name": "0"}]


def test_failures_are_grouped_by_place_and_error(
    platform: Platform, confirmed: str, suspected: str
) -> None:
    """A review, a poison event that is put aside at one consumer, and dead letters at another."""
    events = platform.get(f"/events?order={confirmed}")["events"]
    kind = "concerto.OrderConfirmed.v1"
    (event_id,) = [each["id"] for each in events if each["type"] == kind]
    whole = platform.get(f"/events/{event_id}")
    envelope = read_envelope(whole["envelope"])
    analytics = platform.memory.hosts["analytics"]
    analytics.inbox.put_aside(envelope, "KeyError: 'SKU-1'")
    letters = "INSERT INTO dead_letters (id, type, subject, attempts, reason) VALUES"
    letters += " (gen_random_uuid(), :kind, 'x', 8, 'ValueError: bad ' || :n)"
    for number in ("1", "2"):
        platform.rows("crm", letters, kind=kind, n=number)
    found = platform.get("/failures")
    told = {(f["kind"], f["service"], f["place"], f["error"]): f["count"] for f in found}
    assert told[("dead letter", "crm", "OrderConfirmed", "ValueError")] == 2
    assert told[("put aside", "analytics", "OrderConfirmed", "KeyError")] == 1
    assert told[("review", "fraud", "check fraud", "FraudSuspected")] == 1
    (review,) = [f for f in found if f["kind"] == "review"]
    assert review["examples"] == [saga_id_of(suspected)]
    assert [f["count"] for f in found] == sorted((f["count"] for f in found), reverse=True)
    now = platform.get("/now")
    assert (now["dead_letters"], now["put_aside"]) == (2, 1)
    platform.get("/failures?since_seconds=0", 422)


def test_the_process_is_told_from_the_definitions(platform: Platform, confirmed: str) -> None:
    """Command, owner, times, undo and query of each step; who hears what; how many are there."""
    told = platform.get("/process")
    sagas = {saga["name"]: saga for saga in told["sagas"]}
    assert set(sagas) == {"order", "parcel", "cancel", "return"}
    steps = {step["name"]: step for step in sagas["order"]["steps"]}
    pay = steps["authorize payment"]
    assert (pay["command"], pay["owner"], pay["undo"]) == (
        "AuthorizePayment",
        "payments",
        "VoidPayment",
    )
    assert pay["query"] == {"command": "QueryPayment", "every_seconds": 30, "attempts": 10}
    assert steps["reserve inventory"]["group"] == steps["apply promotion"]["group"]
    assert steps["confirm order"]["publishes"] == ["OrderConfirmed"]
    assert steps["start shipping"]["live"] == {"running": 1}
    (asked,) = steps["check fraud"]["exceptions"]
    assert asked["then"] == "risk decides in 4 h: It looks like fraud. Accept the order?"
    assert "crm" in told["subscribers"]["OrderConfirmed"]
    earns = {"service": "loyalty", "event": "OrderConfirmed", "then": None, "within_seconds": None}
    assert {**earns, "undone_by": ["OrderCancelled", "OrderRefunded"]} in told["reactions"]


def test_the_picture_shows_counts_or_one_saga(platform: Platform, confirmed: str) -> None:
    """SVG that is read aloud by its title, without a style, which the console's policy forbids."""
    drawn = platform.get("/process/order.svg")
    assert ElementTree.fromstring(drawn).tag.endswith("svg")
    assert "<style" not in drawn
    assert "style=" not in drawn
    assert "The order saga, version 1" in drawn
    assert "1 running" in drawn
    assert "⇒ OrderConfirmed to analytics" in drawn
    one = platform.get(f"/process/order.svg?saga_id={saga_id_of(confirmed)}")
    assert "sent, no answer yet" in one
    platform.get("/process/nothing.svg", 404)
    platform.get(f"/process/cancel.svg?saga_id={saga_id_of(confirmed)}", 404)


def test_what_was_observed_is_who_sent_what_to_whom(platform: Platform, confirmed: str) -> None:
    """A command out of the journal, an event out of the log; the picture has both."""
    edges = platform.get("/process/observed")["edges"]
    seen = {(edge["from"], edge["event"], edge["to"]) for edge in edges}
    assert ("orchestrator", "CreateOrder", "orders") in seen
    assert ("orchestrator", "OrderConfirmed", "analytics") in seen
    assert ("orchestrator", "OrderConfirmed", "crm") not in seen  # which has not said so yet
    drawn = platform.get("/process/observed.svg")
    ElementTree.fromstring(drawn)
    assert "orchestrator → OrderConfirmed → analytics" in drawn


def test_only_staff_looks(platform: Platform) -> None:
    """A customer's token opens none of it."""
    paths = ("/now", "/failures", "/process", "/process/observed", "/process/order.svg")
    told = {"Authorization": f"Bearer {mint(settings(), 'customer', 'ann')}"}
    for path in paths:
        assert platform.client.get(path, headers=told).status_code == 403


def test_the_same_from_the_command_line(
    platform: Platform, concerto: Command, confirmed: str
) -> None:
    """now, failures, timeline and draw --observed print what HTTP answers."""
    assert json.loads(concerto("failures", "--json")[0]) == platform.get("/failures")
    assert "1 sagas under way" in concerto("now")[0]
    lines = concerto("timeline", confirmed)[0].splitlines()
    assert lines[0].endswith("the order begins")
    assert any(line.endswith("    handled by analytics") for line in lines)
    whole = json.loads(concerto("timeline", confirmed, "--json")[0])
    assert whole == platform.get(f"/sagas/{confirmed}/timeline")
    assert concerto("draw", "--observed")[0].startswith("from")
    edges = json.loads(concerto("draw", "--observed", "--json")[0])
    assert edges == platform.get("/process/observed")["edges"]
    found = json.loads(concerto("sagas", "--step", "start shipping", "--json")[0])
    assert [saga["order_id"] for saga in found] == [confirmed]
    assert json.loads(concerto("sagas", "--waiting-longer-than", "3600", "--json")[0]) == []


def test_watching_ends_with_the_saga(platform: Platform, concerto: Command) -> None:
    """`why --watch` of what has ended says so, and ends."""
    order = platform.order(sku="SKU-NOWHERE")
    told, code = concerto("why", order, "--watch")
    assert "The order is undone" in told
    assert code == 0
