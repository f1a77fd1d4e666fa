"""Spans reach a collector as OpenTelemetry's protocol has them (OTLP over HTTP, protobuf)."""

from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from contracts.runtime import tracing
from contracts.runtime.settings import settings
from tests.delivery.conftest import Bench
from tests.delivery.test_inbox import reserve
from tests.delivery.test_watch import stock
from tests.side_effects.receiver import Receiver, receiver


def spans(collector: Receiver) -> list[tuple[str, Any]]:
    """Every span that came, with the name of its service."""
    found = []
    for body in collector.bodies:
        for told in ExportTraceServiceRequest.FromString(body).resource_spans:
            names = {each.key: each.value.string_value for each in told.resource.attributes}
            for scope in told.scope_spans:
                found += [(names["service.name"], span) for span in scope.spans]
    return found


def test_a_collector_gets_the_spans_of_an_order(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under the trace of the order, from the service that did it."""
    kept = (settings, tracing.tracer, tracing._processor)
    with receiver() as collector:
        monkeypatch.setenv("CONCERTO_TRACING", "1")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", collector.url)
        for each in kept:
            each.cache_clear()
        bench.memory.host(stock(bench)).receive([reserve("collected-1")])
        tracing.flush()
        for each in kept:
            each.cache_clear()
        ((service, span),) = spans(collector)
    (headers, _) = collector.taken[0]
    assert headers["content-type"] == "application/x-protobuf"
    assert (service, span.name) == ("stock", "stock: reserve inventory")
    told = {each.key: each.value.string_value for each in span.attributes}
    assert int.from_bytes(span.trace_id) == tracing.trace_of(told["subject"])
