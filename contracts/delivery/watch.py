"""What a service's work lets be seen, once it is committed: it is counted, traced, and logged.

The one hook of metrics and tracing in delivery. A command has the span that its saga gives it; an
event has one from its publication until the trail has it. What a service did with a message is a
span below that of the message, and a call outside one below that.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from time import time_ns

import structlog

from contracts.delivery.envelope import Envelope
from contracts.delivery.service import Outcome, Service
from contracts.delivery.turn import Stored, Turn
from contracts.messages.base import is_public
from contracts.messages.trail import DeliveryState
from contracts.messages.values import saga_id_of
from contracts.runtime import metrics, telemetry
from contracts.runtime.tracing import Done, Parts, nanoseconds, tracer

log = structlog.get_logger()
UUID_CHARACTERS = 36


class Watch:
    """Sees the work of one service."""

    def __init__(self, service: Service) -> None:
        self._service, self._name = service, service.name
        self._tracer = tracer(service.name)

    def handled(self, turn: Turn, part: Sequence[Envelope], began: int) -> None:
        """The transaction over these messages, begun at a time in nanoseconds, is committed."""
        telemetry.about.set(None)
        ended = time_ns()
        if metrics.ON:
            self._count(turn, part, (ended - began) / 1e9)
        if self._tracer:
            traced = [envelope for envelope in part if self._tracer.wants(envelope.subject)]
            for done in self._spans(turn, traced, began, ended):
                self._tracer.take(done)

    def failed(self, envelope: Envelope, state: DeliveryState, count: int, reason: str) -> None:
        """A message could not be handled: it is put aside, or given up."""
        telemetry.about.set(None)
        log.warning("message failed", **envelope.ids(), state=state, attempt=count, reason=reason)
        if metrics.ON:
            metrics.messages.labels(self._name, type(envelope.message).__name__, state).inc()
        if self._tracer:
            now = time_ns()
            parent = (envelope.id,)
            self._tracer.take(
                Done(
                    envelope.subject,
                    f"{self._name} failed: {envelope.message.words()}",
                    (envelope.id, self._name, str(count)),
                    parent,
                    now,
                    now,
                    "CONSUMER",
                    wrong=reason[:200],
                )
            )

    def performed(
        self, stored: Stored, outcome: Outcome | None, began: int, failed: str = ""
    ) -> None:
        """A call outside came to an end: with an outcome, or it `failed` and is tried again."""
        ended, kind = time_ns(), type(stored.intent).__name__
        said = type(outcome).__name__.lower() if outcome else "failed"
        if metrics.ON:
            calls = metrics.outside_seconds.labels(self._name, kind, said)
            calls.observe((ended - began) / 1e9)
        if self._tracer and stored.envelope:
            parent = (stored.envelope.id, self._name)
            self._tracer.take(
                Done(
                    stored.envelope.subject,
                    f"{self._name} outside: {kind}",
                    (stored.id, str(stored.attempts)),
                    parent,
                    began,
                    ended,
                    "CLIENT",
                    wrong=failed or getattr(outcome, "reason", "")[:200],
                    attributes={"outcome": said, "attempt": stored.attempts + 1},
                )
            )

    def _count(self, turn: Turn, part: Sequence[Envelope], seconds: float) -> None:
        kinds = Counter(type(envelope.message) for envelope in part)
        kinds.subtract(type(envelope.message) for envelope, _ in turn.early)
        ignored = Counter(type(envelope.message) for envelope in turn.ignored)
        for said, counted in (("handled", kinds - ignored), ("ignored", ignored)):
            for kind, number in counted.items():
                metrics.messages.labels(self._name, kind.__name__, said).inc(number)
        metrics.batch_seconds.labels(self._name).observe(seconds)
        metrics.batch_messages.labels(self._name).observe(len(part))

    def _spans(
        self, turn: Turn, part: Sequence[Envelope], began: int, ended: int
    ) -> Iterator[Done]:
        """Of what took its effect now; what was known already is not told a second time."""
        new = {row["id"] for row in turn.received}
        for envelope in part:
            words = envelope.message.words()
            if envelope.id in new:
                name, mine = f"{self._name}: {words}", (envelope.id, self._name)
                parent = (envelope.id,)
                yield Done(envelope.subject, name, mine, parent, began, ended, "CONSUMER")
            elif self._is_event(envelope):
                yield _published(envelope, ended)

    def _is_event(self, envelope: Envelope) -> bool:
        """Whether this service logs events, and this is one that it had not got before."""
        logs = self._service.logs and not envelope.again
        return bool(logs) and is_public(type(envelope.message))


def _published(event: Envelope, ended: int) -> Done:
    about, at = (event.id,), nanoseconds(event.at)
    words, source = event.message.words(), {"source": event.source}
    parent = _cause(event)
    return Done(event.subject, words, about, parent, at, ended, "PRODUCER", attributes=source)


def _cause(event: Envelope) -> Parts:
    """What made somebody publish it: the message it names, or else its saga, or its order's."""
    if event.cause:
        return (event.cause,)
    if event.saga:
        return (event.saga,)
    return (saga_id_of(event.subject),) if len(event.subject) == UUID_CHARACTERS else ()
