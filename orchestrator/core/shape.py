"""What of a definition must not change once sagas of it are under way.

Names, commands, results, order, pivot and the remembered fields are its shape. How long it waits,
how often it tries and how a question is worded may be tuned without a new version.
"""

import dataclasses
import hashlib
import json
from typing import Any

from orchestrator.core.definition import Make, Query, Saga, Step, command_of


def fingerprint(saga: Saga) -> str:
    """Sixteen hexadecimal digits that change when the shape does."""
    text = json.dumps(shape(saga), sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def shape(saga: Saga) -> dict[str, Any]:
    """The shape of the definition as JSON types."""
    return {
        "data": {field.name: str(field.type) for field in dataclasses.fields(saga.data)},
        "groups": [[_step(saga.flat[place]) for place in group] for group in saga.groups],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "do": _command(step.do),
        "undo": _command(step.undo),
        "when": step.when is not None,
        "pivot": step.pivot,
        "publishes": step.publish is not None,
        "on": sorted(
            (result.wire_name(), "query" if isinstance(rule, Query) else "review")
            for result, rule in step.on.items()
        ),
        "query": _command(step.query.command if step.query else None),
    }


def _command(make: Make | None) -> str | None:
    if make is None:
        return None
    command = command_of(make)
    return f"{command.wire_name()}.v{command.version}"
