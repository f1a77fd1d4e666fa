"""Spans of OpenTelemetry whose ids follow from what they are about: nothing is carried or stored.

The trace of an order has an id made of the order's; a span has one made of the id of its message,
so that whoever knows what caused a message knows its parent. Spans are made from what was done,
after its commit. Off unless `CONCERTO_TRACING` gives a share; OpenTelemetry is imported only then.
They go to the collector of `OTEL_EXPORTER_OTLP_ENDPOINT`, or into `CONCERTO_TRACE_FILE` as JSON
lines.
"""

import atexit
import os
from datetime import datetime
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Any, Literal, NamedTuple

from contracts.runtime.settings import settings

Parts = tuple[str, ...]
Kind = Literal["SERVER", "CLIENT", "CONSUMER", "PRODUCER", "INTERNAL"]
LOW = (1 << 64) - 1
FLUSH_MILLISECONDS, QUEUE_SPANS, EXPORT_SPANS = 1000, 20_000, 2000


class Done(NamedTuple):
    """Something that was done about a `subject` (an order), as it becomes a span.

    `about` names it and `parent` what it was part of; times in nanoseconds since the epoch. `wrong`
    says what failed; `link` is a `traceparent` from elsewhere.
    """

    subject: str
    name: str
    about: Parts
    parent: Parts
    began: int
    ended: int
    kind: Kind = "INTERNAL"
    wrong: str = ""
    link: str = ""
    attributes: dict[str, Any] = {}  # noqa: RUF012  # never changed


@lru_cache(10_000)
def trace_of(subject: str) -> int:
    """The id of the trace of an order (128 bits), so mixed that a share can be taken of them."""
    return int.from_bytes(blake2b(subject.encode(), digest_size=16).digest(), "big")


def span_of(about: Parts) -> int:
    """The id of the span of a message, or of what a service did with it (64 bits)."""
    digest = blake2b("\x1f".join(about).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") or 1


def nanoseconds(at: datetime) -> int:
    """A time as spans have it."""
    return int(at.timestamp() * 1_000_000) * 1000


@cache
def tracer(service: str) -> "Tracer | None":
    """What takes the spans of this service; None while tracing is off."""
    return Tracer(service, settings().tracing, _processor()) if settings().tracing else None


class Tracer:
    """Makes spans of what one service did, for the share of orders that is traced."""

    def __init__(self, service: str, share: float, processor: Any) -> None:
        from opentelemetry import trace
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import ReadableSpan

        self._api, self._span = trace, ReadableSpan
        self._resource = Resource.create({"service.name": service, "service.namespace": "concerto"})
        self._processor, self._below = processor, round(share * (LOW + 1))

    def wants(self, subject: str) -> bool:
        """Whether this order is traced: everywhere the same, for its id decides."""
        return bool(subject) and (trace_of(subject) & LOW) < self._below

    def take(self, done: Done) -> None:
        """Hand the span to the exporter, if its order is traced."""
        if not self.wants(done.subject):
            return
        status = self._api.StatusCode.ERROR if done.wrong else self._api.StatusCode.UNSET
        span = self._span(
            done.name,
            context=self._context(done.subject, done.about),
            parent=self._context(done.subject, done.parent) if done.parent else None,
            resource=self._resource,
            attributes={"subject": done.subject, **done.attributes},
            links=self._links(done.link),
            kind=self._api.SpanKind[done.kind],
            status=self._api.Status(status, done.wrong or None),
            start_time=done.began,
            end_time=max(done.ended, done.began),
        )
        self._processor.on_end(span)

    def _context(self, subject: str, about: Parts) -> Any:
        sampled = self._api.TraceFlags(self._api.TraceFlags.SAMPLED)
        return self._api.SpanContext(trace_of(subject), span_of(about), False, sampled)

    def _links(self, traceparent: str) -> list[Any]:
        """A link to the span of whoever called, if it said one that can be read."""
        if not traceparent:
            return []
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        found = TraceContextTextMapPropagator().extract({"traceparent": traceparent})
        context = self._api.get_current_span(found).get_span_context()
        return [self._api.Link(context)] if context.is_valid else []


@cache
def _processor() -> Any:
    """Exports in a thread of its own; what it cannot keep up with is dropped."""
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    processor = BatchSpanProcessor(
        _exporter(),
        max_queue_size=QUEUE_SPANS,
        schedule_delay_millis=FLUSH_MILLISECONDS,
        max_export_batch_size=EXPORT_SPANS,
    )
    atexit.register(processor.shutdown)
    return processor


def _exporter() -> Any:
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    if any(os.environ.get(name) for name in names):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter()
    from contracts.runtime.spans import FileExporter

    return FileExporter(settings().trace_file)


def flush() -> None:
    """Wait until what was taken is exported."""
    if settings().tracing:
        _processor().force_flush()
