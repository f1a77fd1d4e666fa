"""What happens in this process, counted for `/metrics` so that several processes add up.

prometheus-client's multiprocess mode: where `PROMETHEUS_MULTIPROC_DIR` names a folder, each process
writes its numbers into files there, and the API adds them up when it is asked. Counting is off
where no folder is named. What an ended process counted stays in its files, or sums would go back; a
stack empties its folder when it starts. There is no gauge among them: what *stands* is asked of the
databases instead. Base units, no ids among the labels, one update for a batch and none for a line.
"""

import os

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

from contracts.runtime.settings import settings

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
ON = bool(os.environ.get(FOLDER)) and settings().metrics
QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)

requests = Counter(
    "concerto_http_requests", "HTTP requests answered", ("route", "method", "status")
)
request_seconds = Histogram(
    "concerto_http_request_seconds",
    "Until the answer to an HTTP request begins",
    ("route", "method"),
    buckets=QUICK,
)
messages = Counter(
    "concerto_messages",
    "Messages by what became of them: handled, retrying (put aside, to be tried again) or dead",
    ("service", "type", "outcome"),
)
batch_seconds = Histogram(
    "concerto_batch_seconds", "One transaction over a batch", ("service",), buckets=QUICK
)
batch_messages = Histogram(
    "concerto_batch_messages",
    "Messages handled in one transaction",
    ("service",),
    buckets=(1, 2, 5, 10, 20, 50, 100, 200),
)
outside_seconds = Histogram(
    "concerto_outside_call_seconds",
    "Calls to the outside by outcome: done, refused, unsure (also: no answer in time) or failed",
    ("service", "intent", "outcome"),
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)


def counted() -> CollectorRegistry:
    """What all processes of this folder have counted; empty where counting is off."""
    registry = CollectorRegistry()
    if ON:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
