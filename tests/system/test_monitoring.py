"""One order on a whole stack in one process: one trace, counted, and its log lines found."""

import os
import urllib.request
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

import deploy.cli.records  # noqa: F401  # it registers its commands
from contracts.messages.values import saga_id_of
from contracts.runtime.tracing import span_of, trace_of
from deploy.cli.common import app
from deploy.local import lifecycle
from deploy.local.stack import configured
from deploy.monitoring.records import Span, spans
from tests.system.conftest import TIME_SCALE, Platforms, wait_until

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platforms]:
    """A stack in one process, all of whose orders are traced."""
    folder = tmp_path_factory.mktemp("traced")
    for part in (folder, *folder.parents[:2]):
        part.chmod(0o755)  # the unprivileged user that runs the database must reach it
    before = dict(os.environ)
    os.environ["CONCERTO_TRACING"] = "1"
    stack = configured(folder / "stack", "none", time_scale=TIME_SCALE)
    lifecycle.up(stack, lambda _: None)
    platforms = Platforms(stack)
    platforms.http.call("PUT", "/stock/SKU-1", {"quantity": 1000})
    yield platforms
    lifecycle.down(stack)
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def order(traced: Platforms) -> str:
    """An order that is through, and whose events everybody has."""
    body = traced.order()
    headers = {"Idempotency-Key": body.pop("key"), "traceparent": TRACEPARENT}
    identity: str = traced.http.call("POST", "/orders", body, **headers)["id"]
    traced.wait_ended([identity])
    traced.wait_delivered()
    return identity


def whole(platforms: Platforms, order: str) -> list[Span]:
    """Its spans, once the exporter has written the last one."""
    file, last = platforms.stack.traces, {"saga order", "order shipped"}

    def names() -> set[str]:
        return {span["name"] for span in spans(file, order)}

    wait_until("the trace is complete", lambda: last <= names())
    wait_until("every parent is there", lambda: not _orphans(spans(file, order)))
    return spans(file, order)


def _orphans(found: list[Span]) -> list[Span]:
    known = {span["span"] for span in found}
    return [span for span in found if span["parent"] and span["parent"] not in known]


def test_an_order_is_one_trace(traced: Platforms, order: str) -> None:
    """From the request through its saga and commands, calls outside and events, to each side
    effect; every parent resolves, and the caller's own trace is linked."""
    found = whole(traced, order)
    assert {span["trace"] for span in found} == {f"{trace_of(order):032x}"}
    (root,) = [span for span in found if span["parent"] is None]
    assert (root["name"], root["service"]) == ("POST /orders", "api")
    assert root["links"] == ["0af7651916cd43dd8448eb211c80319c"]
    named = {span["name"]: span for span in found}
    saga = named["saga order"]
    assert (saga["span"], saga["parent"]) == (f"{span_of((saga_id_of(order),)):016x}", root["span"])
    step = named["reserve inventory"]
    assert step["parent"] == saga["span"]
    assert named["inventory: reserve inventory"]["parent"] == step["span"]
    outside = named["payments outside: Hold"]
    assert outside["parent"] == named["payments: authorize payment"]["span"]
    assert outside["attributes"]["outcome"] == "done"
    event = named["order confirmed"]
    assert named["email: order confirmed"]["parent"] == event["span"]
    services = {span["service"] for span in found}
    everybody = {"orders", "fraud", "inventory", "payments", "shipping", "email", "analytics"}
    assert services >= everybody | {"crm", "search", "webhooks", "recommendation", "trail"}


def test_the_command_line_shows_the_trace(traced: Platforms, order: str) -> None:
    """As a tree by name and time, found by the order's id or its saga's."""
    whole(traced, order)
    for identity in (order, saga_id_of(order)):
        lines = run(traced, "trace", identity).splitlines()
        assert "POST /orders" in lines[0]
        assert any("    reserve inventory" in line for line in lines)
    assert "CONCERTO_TRACING" in run(traced, "trace", "nobody", code=1)


def test_the_order_is_counted(traced: Platforms, order: str) -> None:
    """Its saga, its steps, its messages and calls, and the request that brought it."""
    with urllib.request.urlopen(f"{traced.stack.url}/metrics") as answer:
        said = answer.read().decode()
    for series in (
        'concerto_sagas_started_total{saga="order"}',
        'concerto_sagas_ended_total{outcome="completed",saga="order",spent="nothing"}',
        'concerto_saga_seconds_count{saga="order"}',
        'concerto_step_results_total{result="succeeded",saga="order",step="authorize payment"}',
        'concerto_commands_sent_total{kind="do",saga="order",step="authorize payment",why="first"}',
        'concerto_messages_total{outcome="handled",service="email",type="OrderConfirmed"}',
        'concerto_outside_call_seconds_bucket{intent="Hold",le="+Inf",outcome="done",service="payments"}',
        'concerto_http_requests_total{method="POST",route="/orders",status="2xx"} 1.0',
        'concerto_http_requests_total{method="PUT",route="/stock/{sku}",status="2xx"} 1.0',
        'concerto_heartbeat_age_seconds{service="email"}',
    ):
        assert series in said, series
    assert order not in said


def test_what_went_wrong_with_an_order_is_found_in_the_logs(traced: Platforms, order: str) -> None:
    """By the order's id or its saga's, with the ids that spans have."""
    assert "nothing was logged" in run(traced, "logs", order)
    with traced.switched("crm", down=True):
        (other,) = traced.submit(1)
        wait_until("it is logged", lambda: "not performed" in run(traced, "logs", other))
    assert f"trace={trace_of(other):032x}" in run(traced, "logs", saga_id_of(other))


def run(platforms: Platforms, command: str, order: str, code: int = 0) -> str:
    """What `concerto COMMAND ORDER` prints, or says it refuses."""
    done = CliRunner().invoke(app, [command, order, "--data", str(platforms.stack.folder)])
    assert bool(done.exception) == bool(code), done.output
    return str(done.exception) if code else done.output
