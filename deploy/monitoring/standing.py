"""How the platform stands, computed from the databases when `/metrics` is asked.

What is open is that of `deploy/levels.py`, as in `GET /now`, of several schemas at once. It is
kept for a second, so that several who ask at once cost what one does. A service whose database does
not answer is missing from all but `concerto_database_up`.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from contracts.runtime.database import Database
from contracts.runtime.health import FOLDER
from contracts.runtime.settings import settings
from deploy import levels
from deploy.everywhere import Everywhere
from deploy.monitoring.limits import open_for
from deploy.services import services
from orchestrator.core.definition import command_of
from orchestrator.sagas import SAGAS

KEPT_SECONDS = 1.0


class Sample(NamedTuple):
    """One number: of which gauge, with which labels."""

    gauge: str
    labels: tuple[str, ...]
    value: float


class Gauge(NamedTuple):
    """One gauge: what it says, and the names of its labels."""

    says: str
    labels: tuple[str, ...] = ()


STEP = ("saga", "step", "status")
GAUGES = {
    "concerto_database_up": Gauge("Whether the service's database answers", ("service",)),
    "concerto_heartbeat_age_seconds": Gauge(
        "Since a worker of the service last said that it gets on; infinite when none ever did",
        ("service",),
    ),
    "concerto_sagas_open": Gauge("Sagas that have begun and not ended", STEP),
    "concerto_sagas_oldest_seconds": Gauge("Since the longest waiting of them changed", STEP),
    "concerto_sagas_accepted": Gauge("Sagas that wait to begin, for there is no room"),
    "concerto_sagas_limit": Gauge("How many sagas may be under way at once"),
    "concerto_sagas_overdue": Gauge("Sagas whose time has come and that nobody woke", ("saga",)),
    "concerto_sagas_paused": Gauge("Sagas that a person has wait"),
    "concerto_sagas_retrying": Gauge(
        "Steps that are tried again: sent or asked about once more, or refused; by service",
        ("saga", "step", "service"),
    ),
    "concerto_reviews_open": Gauge("Questions to people", ("owner",)),
    "concerto_reviews_unclaimed": Gauge("Questions on which nobody works", ("owner",)),
    "concerto_reviews_oldest_seconds": Gauge("Since the oldest of them was asked", ("owner",)),
    "concerto_reviews_near": Gauge("Questions of whose time three quarters have gone", ("owner",)),
    "concerto_reviews_past": Gauge("Questions whose time is over and that stand", ("owner",)),
    "concerto_dead_letters": Gauge("Messages that were given up", ("service",)),
    "concerto_service_paused": Gauge("Whether people have paused the service", ("service",)),
    "concerto_put_aside": Gauge("Messages that failed and are tried again", ("service",)),
    "concerto_put_aside_oldest_seconds": Gauge("Since the oldest of them failed", ("service",)),
    "concerto_intents_pending": Gauge("Calls outside that are still to be made", ("service",)),
    "concerto_intents_failing": Gauge("Of them, those that failed before", ("service",)),
    "concerto_intents_oldest_seconds": Gauge("Since the oldest of them was wanted", ("service",)),
    "concerto_events_unsent": Gauge("Events that were committed and not sent", ("service",)),
    "concerto_events_oldest_seconds": Gauge("Since the oldest of them was put", ("service",)),
    "concerto_deliveries_open": Gauge(
        "Events that a subscriber has not handled: pending, retrying or dead",
        ("subscriber", "state"),
    ),
    "concerto_deliveries_oldest_seconds": Gauge(
        "Since the oldest that is pending or retrying last changed", ("subscriber",)
    ),
    "concerto_deliveries_limit_seconds": Gauge(
        "How long a delivery may be open by what its subscriber declares", ("subscriber",)
    ),
}


class Standing(Collector):
    """Computes the gauges from the databases of the services, at most once a second."""

    def __init__(self, everywhere: Everywhere, clock: Callable[[], float] = time.monotonic) -> None:
        self._everywhere, self._clock = everywhere, clock
        self._lock, self._until = Lock(), 0.0
        self._kept: list[Metric] = []

    def collect(self) -> Iterable[Metric]:
        """The gauges; for prometheus-client."""
        with self._lock:
            if self._clock() >= self._until:
                self._kept = _families(self._samples())
                self._until = self._clock() + KEPT_SECONDS
            return self._kept

    def _samples(self) -> Iterator[Sample]:
        yield from heartbeats()
        for name, found in self._everywhere.each(_of):
            yield Sample("concerto_database_up", (name,), float(found is not None))
            yield from found or ()


def heartbeats() -> Iterator[Sample]:
    """How old the last sign of life of each service is, where there is a health folder."""
    folder = os.environ.get(FOLDER)
    for service in services() if folder else ():
        beats = [_touched(file) for file in Path(folder or "").glob(f"{service.name}.*.alive")]
        age = max(time.time() - max(beats), 0.0) if beats else float("inf")
        yield Sample("concerto_heartbeat_age_seconds", (service.name,), age)


def _touched(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:  # it ended just now
        return 0.0


def _families(samples: Iterable[Sample]) -> list[Metric]:
    families = {
        name: GaugeMetricFamily(name, gauge.says, labels=gauge.labels)
        for name, gauge in GAUGES.items()
    }
    for name, labels, value in samples:
        families[name].add_metric(labels, value)
    return list(families.values())


def _of(db: Database) -> list[Sample] | None:
    """What is to be said of one service; None when its database does not answer."""
    try:
        found = [*_delivery(db)]
        if db.service == "orchestrator":
            found += [*_sagas(db), *_retried(db)]
        if db.service == "trail":
            found += [*_deliveries(db), *_limits()]
    except SQLAlchemyError:
        return None
    return found


def _delivery(db: Database) -> Iterator[Sample]:
    row = levels.waiting(db)
    said = {
        "dead_letters": row.dead,
        "service_paused": bool(row.paused),
        "put_aside": row.aside,
        "put_aside_oldest_seconds": _age(row.at, row.aside_oldest),
        "intents_pending": row.intents,
        "intents_failing": row.failing,
        "intents_oldest_seconds": _age(row.at, row.intents_oldest),
        "events_unsent": row.unsent,
        "events_oldest_seconds": _age(row.at, row.unsent_oldest),
    }
    for gauge, value in said.items():
        yield Sample(f"concerto_{gauge}", (db.service,), value)


def _sagas(db: Database) -> Iterator[Sample]:
    found = levels.sagas(db)
    at = found.totals.at
    for row in found.by_step:
        labels = (row.saga, row.step, row.status)
        yield Sample("concerto_sagas_open", labels, row.number)
        yield Sample("concerto_sagas_oldest_seconds", labels, _age(at, row.oldest))
    for row in found.overdue:
        yield Sample("concerto_sagas_overdue", (row.saga,), row.number)
    yield Sample("concerto_sagas_accepted", (), found.totals.accepted)
    yield Sample("concerto_sagas_paused", (), found.totals.paused)
    yield Sample("concerto_sagas_limit", (), settings().in_flight_sagas)
    for row in found.reviews:
        yield Sample("concerto_reviews_open", (row.owner,), row.number)
        yield Sample("concerto_reviews_unclaimed", (row.owner,), row.unclaimed)
        yield Sample("concerto_reviews_oldest_seconds", (row.owner,), _age(at, row.oldest))
        yield Sample("concerto_reviews_near", (row.owner,), row.near)
        yield Sample("concerto_reviews_past", (row.owner,), row.past)


def _retried(db: Database) -> Iterator[Sample]:
    for row in levels.retried(db):
        labels = (row.saga, row.step, _doer(row.saga, row.step))
        yield Sample("concerto_sagas_retrying", labels, row.number)


def _deliveries(db: Database) -> Iterator[Sample]:
    for row in levels.subscribers(db):
        open_ = {"pending": row.pending, "retrying": row.retrying, "dead": row.dead}
        for state, count in open_.items():
            if count:
                yield Sample("concerto_deliveries_open", (row.subscriber, state), count)
        if row.oldest_open:
            age = _age(row.at, row.oldest_open)
            yield Sample("concerto_deliveries_oldest_seconds", (row.subscriber,), age)


def _limits() -> Iterator[Sample]:
    for service in services():
        if service.name != "trail" and service.load().subscriptions():
            limit = open_for(service.load()).total_seconds()
            yield Sample("concerto_deliveries_limit_seconds", (service.name,), limit)


def _age(at: datetime, oldest: datetime | None) -> float:
    """How many seconds have gone since then; none when there is nothing."""
    return max((at - oldest).total_seconds(), 0.0) if oldest else 0.0


@cache
def _doer(saga: str, step: str) -> str:
    """The service that does a step."""
    known = [each for (name, _), each in SAGAS.items() if name == saga]
    doers = (command_of(one.do).to for each in known for one in each.flat if one.name == step)
    return next(doers, "")
