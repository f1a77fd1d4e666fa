"""Examples of messages and of a saga's data, made from the types of their fields."""

import dataclasses
from functools import cache
from types import UnionType
from typing import Any, Literal, NewType, Union, get_args, get_origin, get_type_hints

from contracts.messages.base import Result
from orchestrator.core.definition import Saga, Step, results_of


def sample(name: str, step: Step) -> Result:
    """A result of that wire name that one of the step's commands may have."""
    query = step.query.command if step.query else None
    for make in filter(None, (step.do, step.undo, query)):
        for result in results_of(make):
            if result.wire_name() == name:
                example: Result = example_of(result)  # type: ignore[arg-type]  # a class is hashable
                return example
    raise LookupError(f"{step.name} has no result {name}")


@cache
def example_of(kind: Any, number: int = 1) -> Any:
    """A value of that type: a text, that number, a tuple of one, or a dataclass of such."""
    if isinstance(kind, NewType):
        return example_of(kind.__supertype__, number)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        fields = [field.name for field in dataclasses.fields(kind) if field.init]
        return kind(**{name: example_of(hints[name], number) for name in fields})
    if get_origin(kind) is Literal:
        return get_args(kind)[0]
    if get_origin(kind) is tuple:
        return (example_of(get_args(kind)[0], number),)
    if get_origin(kind) in (Union, UnionType):
        empty = type(None) in get_args(kind)
        return None if empty else example_of(get_args(kind)[0], number)
    return "sample" if kind is str else kind(number)


def examples(saga: Saga) -> tuple[Any, ...]:
    """Data for the saga's walks: one example with something in every number, and one with nothing,
    if a condition of a step tells them apart."""
    found: dict[tuple[bool, ...], Any] = {}
    for number in (1, 0):
        data = example_of(saga.data, number)  # type: ignore[arg-type]  # a class is hashable
        found.setdefault(tuple(bool(s.when and s.when(data)) for s in saga.flat), data)
    return tuple(found.values())
