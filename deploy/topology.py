"""Who gets which event: collects every service's subscriptions and writes them to every publisher.

Each service keeps the list in its own schema, so that a publisher needs nobody to know whom to
send to, and no broker's memory is relied on. Subscribers outside this code are added by name and
stay until they are removed. RabbitMQ gets exchanges, queues and rights to match.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from contracts.delivery.outbox import TRAIL
from contracts.delivery.tables import subscriptions
from contracts.messages.base import is_public
from contracts.messages.catalogue import messages, type_of
from contracts.runtime.database import Database
from contracts.runtime.settings import Settings
from deploy import rabbitmq
from deploy.services import services

Pair = tuple[str, str]


@dataclass(frozen=True)
class Difference:
    """What a service's list (or RabbitMQ) lacks, and what it has that nobody declared."""

    where: str
    missing: tuple[str, ...]
    undeclared: tuple[str, ...]


def declared() -> set[Pair]:
    """Every (event type, subscriber) that the services declare with `on` and `everything`."""
    return {
        (type_of(event), service.name)
        for service in services()
        for event in service.load().subscriptions()
    }


def events() -> tuple[str, ...]:
    """Every event type there is to subscribe to."""
    return tuple(sorted(kind for kind, message in messages().items() if is_public(message)))


def apply(
    config: Settings,
    outside: Iterable[Pair] = (),
    broker_passwords: Mapping[str, str] | None = None,
) -> list[Difference]:
    """Write the declared subscriptions, and those of `outside`, to every service; what changed.

    Subscribers of services that are gone are removed; other names were added from outside and stay.
    Where a RabbitMQ's management is known, it is brought to match; users get `broker_passwords`.
    """
    wanted = declared() | set(outside)
    changed = [change for s in services() if (change := _write(config, s.name, wanted))]
    if config.broker_admin_url:
        topology = rabbitmq.Topology(stored(config))
        made = rabbitmq.apply(config.broker_admin_url, topology, broker_passwords or {})
        if made:
            changed.append(Difference("rabbitmq", tuple(made), ()))
    return changed


def diff(config: Settings) -> list[Difference]:
    """Where the stored lists, and RabbitMQ, differ from what is declared."""
    wanted = declared()
    found = [_compared(config, service.name, wanted) for service in services()]
    if config.broker_admin_url:
        topology = rabbitmq.Topology(frozenset(wanted | stored(config)))
        missing, more = rabbitmq.differences(rabbitmq.Management(config.broker_admin_url), topology)
        found.append(Difference("rabbitmq", _said(missing), _said(more)))
    return [difference for difference in found if difference.missing or difference.undeclared]


def stored(config: Settings) -> frozenset[Pair]:
    """Who subscribes to what, as it was last applied; the trail's list, which is as any other."""
    with _session(config, TRAIL) as session:
        return frozenset(_stored(session))


def _write(config: Settings, service: str, wanted: set[Pair]) -> Difference | None:
    known = {known.name for known in services()}
    with _session(config, service) as session:
        has = _stored(session)
        missing, gone = wanted - has, {pair for pair in has - wanted if pair[1] in known}
        if missing:
            rows = [{"event": event, "subscriber": subscriber} for event, subscriber in missing]
            session.execute(insert(subscriptions).on_conflict_do_nothing(), rows)
        if gone:
            both = tuple_(subscriptions.c.event, subscriptions.c.subscriber)
            session.execute(delete(subscriptions).where(both.in_(gone)))
    return Difference(service, _said(missing), _said(gone)) if missing or gone else None


def _compared(config: Settings, service: str, wanted: set[Pair]) -> Difference:
    with _session(config, service) as session:
        has = _stored(session)
    return Difference(service, _said(wanted - has), _said(has - wanted))


@contextmanager
def _session(config: Settings, service: str) -> Iterator[Session]:
    database = Database(service, config)
    try:
        with database.transaction() as session:
            yield session
    finally:
        database.close()


def _stored(session: Session) -> set[Pair]:
    return {(row.event, row.subscriber) for row in session.execute(select(subscriptions))}


def _said(pairs: Iterable[Pair]) -> tuple[str, ...]:
    return tuple(sorted(" ".join(pair) for pair in pairs))
