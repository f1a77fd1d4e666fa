"""The whole process as JSON: every saga's steps with who owns them, and who reacts to what."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from deploy.overview.reactions import declared
from deploy.services import services
from orchestrator.core.definition import Query, Saga, Step, command_of
from orchestrator.core.draw import exceptions, publishes
from orchestrator.sagas import SAGAS

LIVES_IN = "orchestrator.sagas"  # the schema and the table


def latest() -> dict[str, Saga]:
    """The newest version of every saga, by name."""
    return {name: SAGAS[name, version] for name, version in sorted(SAGAS)}


def process(live: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Every definition, with how many sagas stand at each step, and what reacts to what."""
    heard = subscribers()
    return {
        "sagas": [described(saga, counts(live, saga.name)) for saga in latest().values()],
        "subscribers": heard,
        "reactions": [reaction.as_json() for reaction in declared()],
    }


def subscribers() -> dict[str, list[str]]:
    """Who hears each event, by the event's name; of the trail, which hears all, nothing is said."""
    found = defaultdict(list)
    for service in services():
        value = service.load()
        for event in () if value.logs else value.subscriptions():
            found[event.wire_name()].append(service.name)
    return {event: sorted(names) for event, names in sorted(found.items())}


def counts(live: Sequence[Mapping[str, Any]], saga: str) -> dict[str, dict[str, int]]:
    """How many sagas of that name stand at each step, by status."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in live:
        if row["saga"] == saga:
            found[row["step"]][row["status"]] = row["count"]
    return found


def described(saga: Saga, live: Mapping[str, Mapping[str, int]] | None = None) -> dict[str, Any]:
    """A definition as JSON; with how many sagas stand at each step, by status."""
    groups = {place: number for number, group in enumerate(saga.groups) for place in group}
    return {
        "name": saga.name,
        "version": saga.version,
        "owner": saga.owner,
        "deadline_seconds": saga.deadline.total_seconds(),
        "state_lives_in": LIVES_IN,
        "steps": [
            {"group": groups[place], **_step(step), "live": (live or {}).get(step.name, {})}
            for place, step in enumerate(saga.flat)
        ],
    }


def _step(step: Step) -> dict[str, Any]:
    command = command_of(step.do)
    return {
        "name": step.name,
        "pivot": step.pivot,
        "when": step.when and step.when.__name__.replace("_", " "),
        "command": command.__name__,
        "owner": command.to,
        "within_seconds": step.within.total_seconds(),
        "attempts": step.attempts,
        "undo": command_of(step.undo).__name__ if step.undo else None,
        "query": step.query and _query(step.query),
        "exceptions": [{"result": name, "then": t} for name, t in exceptions(step).items()],
        "publishes": list(publishes(step)),
    }


def _query(query: Query) -> dict[str, Any]:
    return {
        "command": command_of(query.command).__name__,
        "every_seconds": query.every.total_seconds(),
        "attempts": query.attempts,
    }
