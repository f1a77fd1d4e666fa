"""What a service does is counted, traced and logged once it is committed, with the same ids."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from contracts.delivery.envelope import repeated
from contracts.delivery.outside import Outside
from contracts.delivery.service import Done, Intent, Outcome, Service
from contracts.messages.inventory import InventoryReserved, ReserveInventory
from contracts.messages.orders import OrderConfirmed
from contracts.runtime import metrics, telemetry, tracing
from contracts.runtime.settings import settings
from contracts.runtime.spans import FileExporter
from deploy.monitoring.records import lines
from tests.delivery.conftest import Bench
from tests.delivery.test_inbox import confirmed, order, reserve
from tests.simulators.running import until


class Post(Intent):
    """Something outside."""


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process counts, in its own memory."""
    monkeypatch.setattr(metrics, "ON", True)


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Every order is traced, into this file."""
    file = tmp_path / "traces.jsonl"
    monkeypatch.setenv("CONCERTO_TRACING", "1")
    monkeypatch.setenv("CONCERTO_TRACE_FILE", str(file))
    kept = (settings, tracing.tracer, tracing._processor)
    for each in kept:
        each.cache_clear()
    yield file
    for each in kept:
        each.cache_clear()


def stock(bench: Bench, fails: bool = False) -> Service:
    """A service that reserves, or fails to."""
    service = bench.service("stock")

    @service.handles(ReserveInventory)
    def handle(command: ReserveInventory, session: Session) -> InventoryReserved:
        if fails:
            raise RuntimeError("no shelf")
        return InventoryReserved(order_id=command.order_id)

    return service


def counted(service: str, kind: str, outcome: str) -> float:
    """How many messages are counted."""
    value: float = metrics.messages.labels(service, kind, outcome)._value.get()
    return value


def spans(file: Path) -> list[dict[str, Any]]:
    """What was exported so far."""
    tracing.flush()
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_messages_are_counted_by_what_became_of_them(bench: Bench, counting: None) -> None:
    """Handled, or put aside to be tried again; a batch by its size and time."""
    before = [counted("stock", "ReserveInventory", what) for what in ("handled", "retrying")]
    host = bench.memory.host(stock(bench))
    host.receive([reserve("counted-1"), reserve("counted-2")])
    failing = bench.memory.host(stock(bench, fails=True))
    failing.receive([reserve("counted-3")])
    after = [counted("stock", "ReserveInventory", what) for what in ("handled", "retrying")]
    assert [now - then for now, then in zip(after, before, strict=True)] == [2, 1]


def test_a_failure_is_logged_with_the_ids_of_what_it_is_about(bench: Bench) -> None:
    """Order, message, type and trace: the same as in spans and tables."""
    host = bench.memory.host(stock(bench, fails=True))
    command = reserve("logged")
    with capture_logs() as logged:
        host.receive([command])
    (entry,) = [entry for entry in logged if entry["event"] == "message failed"]
    assert entry["subject"] == order("logged")
    assert entry["message"] == command.id
    assert entry["type"] == "ReserveInventory"
    assert entry["trace"] == f"{tracing.trace_of(order('logged')):032x}"
    assert (entry["state"], entry["attempt"]) == ("retrying", 1)
    assert "no shelf" in entry["reason"]


def test_whatever_a_handler_logs_names_its_message(bench: Bench) -> None:
    """Though it does not say it; and afterwards nothing does."""
    service, seen = bench.service("stock"), []

    @service.handles(ReserveInventory)
    def handle(command: ReserveInventory, session: Session) -> InventoryReserved:
        seen.append(telemetry.name_it(None, "", {"event": "hello"}))
        return InventoryReserved(order_id=command.order_id)

    command = reserve("named")
    bench.memory.host(service).receive([command])
    assert seen[0]["message"] == command.id
    assert telemetry.name_it(None, "", {"event": "hello"}) == {"event": "hello"}


def test_what_is_handled_is_a_span_below_its_message(bench: Bench, traces: Path) -> None:
    """Once, however often the message comes; a failure is one as well."""
    host = bench.memory.host(stock(bench))
    command = reserve("traced")
    host.receive([command])
    host.receive([repeated(command)])
    bench.memory.host(stock(bench, fails=True)).receive([reserve("traced-not")])
    done, failed = spans(traces)
    assert (done["name"], done["service"]) == ("stock: reserve inventory", "stock")
    assert done["trace"] == f"{tracing.trace_of(command.subject):032x}"
    assert done["parent"] == f"{tracing.span_of((command.id,)):016x}"
    assert done["ended"] > done["began"]
    assert failed["wrong"] == "RuntimeError: no shelf"


def test_a_call_outside_is_a_span_below_what_wanted_it(
    bench: Bench, traces: Path, counting: None
) -> None:
    """With its outcome, and counted by it."""
    service = bench.service("mail")

    @service.on(OrderConfirmed)
    def wanted(event: OrderConfirmed, session: Session) -> Post:
        return Post()

    @service.performs(Post)
    async def perform(intent: Post, outside: Outside) -> Outcome:
        return Done()

    host = bench.memory.host(service)
    host.start()
    event = confirmed("outside")
    host.receive([event])
    until(lambda: bench.rows("mail", "SELECT 1 FROM inbox WHERE settled"))
    handled, called = sorted(spans(traces), key=lambda span: span["name"])
    assert (handled["name"], called["name"]) == ("mail outside: Post", "mail: order confirmed")
    assert handled["parent"] == called["span"]
    assert handled["attributes"]["outcome"] == "done"
    calls = metrics.outside_seconds.labels("mail", "Post", "done")
    assert calls._sum.get() > 0


def test_the_same_orders_are_traced_everywhere() -> None:
    """A tenth of them, chosen by their ids, which begin alike."""
    tenth, whole = (tracing.Tracer("stock", share, None) for share in (0.1, 1.0))
    other = tracing.Tracer("mail", 0.1, None)
    orders = [order(f"share-{number}") for number in range(2000)]
    traced = [each for each in orders if tenth.wants(each)]
    assert 140 <= len(traced) <= 260
    assert traced == [each for each in orders if other.wants(each)]
    assert all(whole.wants(each) for each in orders)
    assert not whole.wants("")


def test_the_file_of_spans_is_bounded(bench: Bench, traces: Path) -> None:
    """A full one takes the place of the last full one."""
    exporter = FileExporter(str(traces), most_bytes=2000)
    host = bench.memory.host(stock(bench))
    host.receive([reserve(f"bounded-{number}") for number in range(4)])
    tracing.flush()
    made = traces.read_text()
    kept = tracing.Tracer("stock", 1.0, _Into(exporter))
    for number in range(40):
        kept.take(tracing.Done(order("full"), "full", (str(number),), (), 1, 2))
    assert len(made) > 500
    files = [file for file in traces.parent.iterdir() if file.suffix != ".lock"]
    assert {file.name for file in files} <= {"traces.jsonl", "traces.jsonl.1"}
    assert traces.with_name("traces.jsonl.1").exists()
    assert all(file.stat().st_size < 3000 for file in files)


def test_a_traceparent_becomes_a_link(traces: Path) -> None:
    """One that cannot be read is none."""
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    kept = tracing.Tracer("api", 1.0, _Into(FileExporter(str(traces))))
    for link in (traceparent, "nonsense"):
        kept.take(tracing.Done(order("linked"), "POST", (link,), (), 1, 2, link=link))
    first, second = spans(traces)
    assert first["links"] == ["0af7651916cd43dd8448eb211c80319c"]
    assert second["links"] == []


def test_the_lines_about_an_order_are_found_in_every_log(tmp_path: Path) -> None:
    """In order of time, also in what was rotated; other lines, and what is no line of ours, not."""

    def line(at: str, **more: str) -> str:
        return json.dumps({"timestamp": at, "level": "warning", "event": "failed", **more}) + "\n"

    mine, trace = order("mine"), f"{tracing.trace_of(order('mine')):032x}"
    (tmp_path / "email.log").write_text(line("3", trace=trace) + f"Traceback {mine}\n")
    (tmp_path / "email.log.1").write_text(line("1", subject=mine))
    (tmp_path / "crm.log").write_text(line("2", subject=mine) + line("2", subject="other"))
    found = lines(tmp_path, mine)
    told = [(entry["timestamp"], entry["process"]) for entry in found]
    assert told == [("1", "email"), ("2", "crm"), ("3", "email")]


class _Into:
    """A processor that exports each span at once."""

    def __init__(self, exporter: FileExporter) -> None:
        self._exporter = exporter

    def on_end(self, span: Any) -> None:
        """Export it."""
        self._exporter.export([span])
