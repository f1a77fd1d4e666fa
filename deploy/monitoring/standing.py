"""How the platform stands, computed from the databases when `/metrics` is asked.

A few questions to each schema, of what is open: nothing that has ended is counted. The answer is
kept for a second, so that several who ask at once cost what one does. A service whose database does
not answer is missing from all but `concerto_database_up`.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from contracts.runtime.database import Database
from contracts.runtime.health import FOLDER
from contracts.runtime.settings import settings
from deploy.monitoring import questions
from deploy.monitoring.limits import open_for
from deploy.services import services
from orchestrator.core.definition import command_of
from orchestrator.sagas import PARENTAL, SAGAS

KEPT_SECONDS = 1.0
GRACE_SECONDS = 10.0  # what is due is done well within it


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
        "Steps whose command is sent again, refused or asked about, by the service asked",
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

    def __init__(
        self, databases: Mapping[str, Database], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._databases, self._clock = databases, clock
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
        for name, db in self._databases.items():
            try:
                found = list(_of(name, db))
            except SQLAlchemyError:
                yield Sample("concerto_database_up", (name,), 0.0)
            else:
                yield Sample("concerto_database_up", (name,), 1.0)
                yield from found


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


def _of(service: str, db: Database) -> Iterator[Sample]:
    """What is to be said of one service."""
    with db.transaction() as session:
        row = session.execute(text(questions.DELIVERY)).one()
        for gauge, value in row._mapping.items():
            yield Sample(f"concerto_{gauge}", (service,), value)
        if service == "orchestrator":
            before = timedelta(seconds=GRACE_SECONDS)
            asked = {"grace": before, "parental": list(PARENTAL)}
            yield from _sagas(session, asked)
            yield from _each(session, questions.REVIEWS, ("owner",), "reviews_")
        if service == "trail":
            yield from _deliveries(session)


def _sagas(session: Any, asked: Mapping[str, Any]) -> Iterator[Sample]:
    yield from _each(session, questions.OPEN, STEP, "sagas_")
    yield from _each(session, questions.OVERDUE, ("saga",), "sagas_", asked)
    for row in session.execute(text(questions.RETRYING), asked):
        labels = (row.saga, row.step, _doer(row.saga, row.step))
        yield Sample("concerto_sagas_retrying", labels, row.retrying)
    yield Sample("concerto_sagas_accepted", (), session.scalar(text(questions.ACCEPTED)))
    yield Sample("concerto_sagas_paused", (), session.scalar(text(questions.PAUSED)))
    yield Sample("concerto_sagas_limit", (), settings().in_flight_sagas)


def _deliveries(session: Any) -> Iterator[Sample]:
    yield from _each(session, questions.DELIVERIES, ("subscriber", "state"), "deliveries_")
    yield from _each(session, questions.OLDEST, ("subscriber",), "deliveries_")
    for service in services():
        if service.name != "trail" and service.load().subscriptions():
            limit = open_for(service.load()).total_seconds()
            yield Sample("concerto_deliveries_limit_seconds", (service.name,), limit)


def _each(
    session: Any,
    question: str,
    labels: Sequence[str],
    prefix: str,
    asked: Mapping[str, Any] | None = None,
) -> Iterator[Sample]:
    """A question's answer: its columns are labels, or gauges named after them."""
    for row in session.execute(text(question), dict(asked or {})):
        said = row._mapping
        named = tuple(said[label] for label in labels)
        for column, value in said.items():
            if column not in labels:
                yield Sample(f"concerto_{prefix}{column}", named, value)


@cache
def _doer(saga: str, step: str) -> str:
    """The service that does a step."""
    known = [each for (name, _), each in SAGAS.items() if name == saga]
    doers = (command_of(one.do).to for each in known for one in each.flat if one.name == step)
    return next(doers, "")
