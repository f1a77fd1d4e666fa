"""Who gets which event: collects every service's subscriptions and writes them to every publisher.

Each service keeps the list in its own schema, so that a publisher needs nobody to know whom to
send to, and no broker's memory is relied on. Subscribers outside this code are added by name and
stay until they are removed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from contracts.delivery.tables import subscriptions
from contracts.messages.base import is_public
from contracts.messages.catalogue import messages, type_of
from contracts.runtime.database import Database
from contracts.runtime.settings import Settings
from deploy.services import services

Pair = tuple[str, str]


@dataclass(frozen=True)
class Difference:
    """What a service's list lacks, and what it has that nobody declared."""

    service: str
    missing: tuple[Pair, ...]
    undeclared: tuple[Pair, ...]


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


def apply(config: Settings, outside: Iterable[Pair] = ()) -> list[Difference]:
    """Write the declared subscriptions, and those of `outside`, to every service; what changed.

    Subscribers of services that are gone are removed; other names were added from outside and stay.
    """
    wanted = declared() | set(outside)
    known = {service.name for service in services()}
    changed = []
    for service in services():
        database = Database(service.name, config)
        with database.transaction() as session:
            difference = _difference(service.name, _stored(session), wanted)
            gone = [pair for pair in difference.undeclared if pair[1] in known]
            if difference.missing:
                rows = [{"event": e, "subscriber": s} for e, s in difference.missing]
                session.execute(insert(subscriptions).on_conflict_do_nothing(), rows)
            for event, subscriber in gone:
                session.execute(
                    delete(subscriptions).where(
                        subscriptions.c.event == event, subscriptions.c.subscriber == subscriber
                    )
                )
        database.close()
        if difference.missing or gone:
            changed.append(Difference(service.name, difference.missing, tuple(gone)))
    return changed


def diff(config: Settings) -> list[Difference]:
    """Where the stored lists differ from what is declared."""
    wanted = declared()
    found = []
    for service in services():
        database = Database(service.name, config)
        with database.transaction() as session:
            difference = _difference(service.name, _stored(session), wanted)
        database.close()
        if difference.missing or difference.undeclared:
            found.append(difference)
    return found


def _stored(session: object) -> set[Pair]:
    rows = session.execute(select(subscriptions))  # type: ignore[attr-defined]  # a Session
    return {(row.event, row.subscriber) for row in rows}


def _difference(service: str, stored: set[Pair], wanted: set[Pair]) -> Difference:
    return Difference(service, tuple(sorted(wanted - stored)), tuple(sorted(stored - wanted)))
