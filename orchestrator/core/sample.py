"""An example of any message or value, made from the types of its fields."""

import dataclasses
from functools import cache
from types import UnionType
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

from contracts.messages.base import Result
from orchestrator.core.definition import Step, results_of

PLAIN: dict[Any, Any] = {str: "sample", int: 1, bool: True, float: 1.0}


def sample(name: str, step: Step) -> Result:
    """A result of that wire name that one of the step's commands may have."""
    query = step.query.command if step.query else None
    for make in filter(None, (step.do, step.undo, query)):
        for result in results_of(make):
            if result.wire_name() == name:
                example: Result = example_of(result)  # type: ignore[arg-type]
                return example
    raise LookupError(f"{step.name} has no result {name}")


@cache
def example_of(kind: Any) -> Any:
    """A value of that type: a plain one, a tuple of one, or a dataclass of such."""
    if isinstance(kind, NewType):
        return example_of(kind.__supertype__)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return kind(**{field.name: example_of(hints[field.name]) for field in _init(kind)})
    if get_origin(kind) is tuple:
        return (example_of(get_args(kind)[0]),)
    if get_origin(kind) in (Union, UnionType):
        return None if type(None) in get_args(kind) else example_of(get_args(kind)[0])
    return PLAIN[kind]


def _init(kind: Any) -> tuple[dataclasses.Field[Any], ...]:
    return tuple(field for field in dataclasses.fields(kind) if field.init)
