"""Which events should have followed from what is known of an order, and whether they were seen.

Nobody says what to look for: it follows from the journal (each public result is an event, and so is
what a saga publishes), from `then=` of the reactions, and from the subscriptions.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, get_type_hints

from contracts.delivery.service import Handling, Service
from contracts.messages.base import Command
from contracts.messages.catalogue import class_of, messages
from contracts.messages.reviews import ManualReviewRequired
from contracts.messages.values import derived
from contracts.runtime.settings import settings
from deploy.overview.order import Order, Sent, name_of
from deploy.services import services
from orchestrator.core.definition import Saga
from orchestrator.sagas import SAGAS
from side_effects.trail.consumer import HANDLED, PATIENCE_SECONDS, PENDING, RETRYING

ORCHESTRATOR = "orchestrator"


def expected(order: Order, of: Iterable[Service] | None = None) -> list[dict[str, Any]]:
    """Every event that should be in the log and every delivery that is open, oldest first; what
    reactions owe is declared by the services `of` (all there are)."""
    owed = _owed([known.load() for known in services()] if of is None else of)
    found = [*_results(order), *_of_sagas(order), *_reactions(order, owed), *_deliveries(order)]
    return sorted(found, key=lambda one: one["since"])


def patience() -> timedelta:
    """How long to wait for what has no time of its own."""
    return settings().wait(PATIENCE_SECONDS, least=3.0)


def _results(order: Order) -> Iterator[dict[str, Any]]:
    """Each public result is published by the service that answered."""
    logged = {event.id for event in order.events}
    answers = order.answers()
    for identity, sent in order.commands().items():
        for entry in answers.get(identity, ()):
            kind = entry.input["result"]["type"]
            if not getattr(class_of(kind), "public", False):
                continue
            event_id = derived(identity, kind)
            seen = event_id if event_id in logged else None
            if not _has_effect(sent):
                seen = _found_out(order, sent, kind)
            because = f"{sent.command['to']} answered {sent.command['type']} with it"
            yield _one(order, kind, sent.command["to"], because, entry.at, seen)


def _has_effect(sent: Sent) -> bool:
    """Whether the answer to the command is itself the event; who answers a question publishes what
    it has found out in its own time, and once."""
    command = _commands().get(sent.command["type"])
    return command is None or command.effect


@cache
def _commands() -> Mapping[str, type[Command[Any]]]:
    return {m.__name__: m for m in messages().values() if issubclass(m, Command)}


def _found_out(order: Order, sent: Sent, kind: str) -> str | None:
    of = (e.id for e in order.events if e.type == kind and e.saga in (sent.saga.id, None))
    return next(of, None)


def _of_sagas(order: Order) -> Iterator[dict[str, Any]]:
    """What a saga publishes at its pivot, and that a person is asked."""
    logged = {event.id for event in order.events}
    for saga in order.sagas:
        for entry in order.journals[saga.id]:
            for kind in _published(SAGAS[saga.name, saga.definition], entry.notes):
                event_id = derived(saga.id, kind, "")
                seen = event_id if event_id in logged else None
                because = f"the {saga.name} decided it"
                yield _one(order, kind, ORCHESTRATOR, because, entry.at, seen)
    for review in order.reviews:
        kind = ManualReviewRequired.wire_type
        event_id = derived(review.saga_id, kind, review.id)
        seen = event_id if event_id in logged else None
        because = f"{review.owner} is asked about {review.step}"
        yield _one(order, kind, ORCHESTRATOR, because, review.opened_at, seen)


def _published(saga: Saga, notes: list[str]) -> Iterator[str]:
    for step in saga.flat:
        event = get_type_hints(step.publish)["return"] if step.publish else None
        if event and f"{event.wire_name()} published" in notes:
            yield event.wire_type


def _reactions(order: Order, owed: Mapping[tuple[str, str], Handling]) -> Iterator[dict[str, Any]]:
    """What a subscriber that handled an event owes the world."""
    for event in order.events:
        for row in order.deliveries[event.id]:
            reaction = owed.get((row.subscriber, event.type))
            if row.state != HANDLED or reaction is None or reaction.then is None:
                continue
            kind = reaction.then.wire_type
            caused = (e.id for e in order.events if e.cause == event.id and e.type == kind)
            because = f"{row.subscriber} handled {name_of(event.type)}"
            within = reaction.within and reaction.within * settings().time_scale
            seen = next(caused, None)
            yield _one(order, kind, row.subscriber, because, row.changed_at, seen, within)


def _owed(of: Iterable[Service]) -> Mapping[tuple[str, str], Handling]:
    """The reactions that owe something, by service and type of event."""
    return {
        (service.name, message.wire_type): handling
        for service in of
        for message, handling in service.handled.items()
        if handling.then
    }


def _deliveries(order: Order) -> Iterator[dict[str, Any]]:
    """What a subscriber has not reported as done."""
    for event in order.events:
        for row in order.deliveries[event.id]:
            if row.state not in (PENDING, RETRYING):
                continue
            because = f"{row.subscriber} subscribed to it, and it is {row.state}"
            told = _one(order, event.type, row.subscriber, because, event.logged_at, None)
            yield {**told, "event_id": event.id}


def _one(
    order: Order,
    kind: str,
    source: str,
    because: str,
    since: datetime,
    event_id: str | None,
    within: timedelta | None = None,
) -> dict[str, Any]:
    wait = within or patience()
    return {
        "type": name_of(kind),
        "source": source,
        "because": because,
        "since": since,
        "within_seconds": wait.total_seconds(),
        "seen": event_id is not None,
        "late": event_id is None and order.at > since + wait,
        "event_id": event_id,
    }
