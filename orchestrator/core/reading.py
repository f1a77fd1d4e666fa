"""Which remembered fields a definition's functions read, and whether anything has taught them yet.

A condition or a command that reads what no earlier step taught would read nothing. Reads are found
in the functions' code, following the methods and properties of the data class they use.
"""

import dataclasses
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

from contracts.messages.base import Result
from orchestrator.core.definition import Saga, Step, Undoing, results_of

Teaching = frozenset[type[Result] | type[Undoing]]


def untaught(saga: Saga) -> Iterator[str]:
    """A sentence for every field that is read before any step can have taught it."""
    known: Teaching = frozenset()
    for group in saga.groups:
        steps = [saga.flat[place] for place in group]
        for step in steps:
            yield from _untaught_in(saga, step, known)
        known = known.union(*(_teaches(step) for step in steps))


def reads(function: Callable[..., Any], data: type[Any]) -> frozenset[str]:
    """The fields of `data` that `function` reads, directly or through methods of `data`."""
    names: set[str] = set()
    todo = [function]
    while todo:
        for name in _names_in(getattr(todo.pop(), "__code__", None)) - names:
            names.add(name)
            used = getattr(data, name, None)
            todo.append(used.fget if isinstance(used, property) else used)  # type: ignore[arg-type]
    return frozenset(names & {field.name for field in dataclasses.fields(data)})


def _untaught_in(saga: Saga, step: Step, known: Teaching) -> Iterator[str]:
    after = known | _teaches(step)
    uses = (
        ("its condition", step.when, known),
        ("its command", step.do, known),
        ("its query", step.query.command if step.query else None, known),
        ("its undo", step.undo, after | {Undoing}),
        ("what it publishes", step.publish, after),
    )
    for words, function, taught in uses:
        for name in sorted(reads(function, saga.data)) if function else ():
            if not _taught(saga, name, taught):
                yield f"{step.name}: {words} reads {name}, which no earlier step taught"


def _taught(saga: Saga, name: str, taught: Teaching) -> bool:
    (field,) = (field for field in dataclasses.fields(saga.data) if field.name == name)
    teachers = frozenset(field.metadata.get("learned", ()))
    return not teachers or bool(teachers & taught)


def _teaches(step: Step) -> Teaching:
    queried = results_of(step.query.command) if step.query else frozenset()
    return frozenset(results_of(step.do) | queried)


def _names_in(code: CodeType | None) -> set[str]:
    if code is None:
        return set()
    inner = (const for const in code.co_consts if isinstance(const, CodeType))
    return set(code.co_names).union(*(_names_in(one) for one in inner))
