"""What a saga definition must obey; a bad one is refused when it is imported.

Each rule yields readable refusals. The rules are those of contracts/ARCHITECTURE.md: what cannot
be undone, cannot be answered, or leads nowhere must not get into production at all.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from contracts.messages.base import Command, Succeeded, Unknown
from orchestrator.core.definition import (
    Make,
    Parallel,
    Query,
    Question,
    Saga,
    Step,
    command_of,
    results_of,
)
from orchestrator.core.reading import untaught
from orchestrator.core.shape import fingerprint

Released = Mapping[tuple[str, int], str]
MOST_ATTEMPTS = 12


class BadSaga(TypeError):
    """The definition breaks these rules."""

    def __init__(self, saga: Saga, refusals: tuple[str, ...]) -> None:
        """Name the saga and every rule it breaks."""
        listed = "".join(f"\n- {refusal}" for refusal in refusals)
        super().__init__(f"saga {saga.name} version {saga.version} is refused:{listed}")
        self.refusals = refusals


def checked(saga: Saga, released: Released) -> Saga:
    """The saga itself when it is good; `BadSaga` otherwise."""
    refusals = check(saga, released)
    if refusals:
        raise BadSaga(saga, refusals)
    return saga


def check(saga: Saga, released: Released | None = None) -> tuple[str, ...]:
    """Every rule the definition breaks, as sentences; nothing when it is good."""
    refusals = (*_about_the_whole(saga), *_about_data(saga), *_about_makes(saga))
    if refusals:  # the other rules read the commands
        return refusals
    one_by_one = (refusal for step in saga.flat for rule in STEP_RULES for refusal in rule(step))
    placed = (r for place in range(len(saga.flat)) for r in _about_place(saga, place))
    return (*one_by_one, *placed, *untaught(saga), *_about_release(saga, released or {}))


def _about_the_whole(saga: Saga) -> Iterator[str]:
    names = [step.name for step in saga.flat]
    if not names:
        yield "it has no steps"
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"two steps are called {name!r}"
    if not saga.owner:
        yield "it has no owner, so a failure may have nowhere to go"
    if saga.deadline <= timedelta(0) or saga.review_within <= timedelta(0):
        yield "its deadline and its reviews must last longer than nothing"
    if sum(step.pivot for step in saga.flat) > 1:
        yield "it has more than one pivot"
    for part in saga.steps:
        if isinstance(part, Parallel) and any(step.pivot for step in part.steps):
            yield "its pivot stands in a parallel: nothing may run beside what decides"


def _about_data(saga: Saga) -> Iterator[str]:
    params = getattr(saga.data, "__dataclass_params__", None)
    names = {field.name for field in dataclasses.fields(saga.data)} if params else set()
    if params is None or not params.frozen:
        yield f"{saga.data.__name__} is no frozen dataclass"
    elif "order_id" not in names:
        yield f"{saga.data.__name__} has no order_id"
    elif "asked_by" not in names and any(step.second_person for step in saga.flat):
        yield f"{saga.data.__name__} does not say who asked for it (asked_by), so who is second?"
    if not callable(getattr(saga.data, "learn", None)):
        yield f"{saga.data.__name__} cannot learn"


def _about_makes(saga: Saga) -> Iterator[str]:
    for step in saga.flat:
        for make in _makes(step):
            try:
                command = command_of(make)
            except (TypeError, NameError) as error:
                yield f"{step.name}: {error}"
                continue
            yield from _about_command(step, command)


def _about_command(step: Step, command: type[Command[Any]]) -> Iterator[str]:
    if not command.to:
        yield f"{step.name}: nobody owns {command.__name__} (to=…)"
    if not any(issubclass(result, Succeeded) for result in command.results()):
        yield f"{step.name}: {command.__name__} lists no result that succeeds"


def _about_on(step: Step) -> Iterator[str]:
    possible = results_of(step.do) | (results_of(step.undo) if step.undo else frozenset())
    for result, rule in step.on.items():
        if result not in possible:
            yield f"{step.name}: its command cannot give {result.__name__}"
        if isinstance(rule, Query) and not issubclass(result, Unknown):
            yield f"{step.name}: {result.__name__} is certain; there is nothing to query"
        if isinstance(rule, Question):
            yield from _about_question(step, result, rule)


def _about_question(step: Step, result: type[Any], rule: Question) -> Iterator[str]:
    if not rule.by or rule.within <= timedelta(0):
        yield f"{step.name}: the review of {result.__name__} asks nobody, or for no time"
    if rule.then == "continue" and issubclass(result, Unknown):
        yield f"{step.name}: going on after {result.__name__} by the clock would be a guess"
    if rule.then == "continue" and rule.second_person:
        yield f"{step.name}: the clock is no second person for {result.__name__}"


def _about_query(step: Step) -> Iterator[str]:
    if len({id(rule) for rule in step.on.values() if isinstance(rule, Query)}) > 1:
        yield f"{step.name}: two queries; one serves do and undo alike"
    if not step.query:
        return
    command = command_of(step.query.command)
    if command.effect:
        yield f"{step.name}: {command.__name__} has an effect, so it is no query (effect=False)"
    if step.query.attempts < 1 or step.query.every <= timedelta(0):
        yield f"{step.name}: its query is never asked, or without a pause"
    found = results_of(step.do) & results_of(step.query.command)
    if not any(issubclass(result, Succeeded) for result in found):
        yield f"{step.name}: {command.__name__} can never say that it succeeded"


def _about_times(step: Step) -> Iterator[str]:
    if step.within <= timedelta(0):
        yield f"{step.name}: within must be longer than nothing"
    if not 1 <= step.attempts <= MOST_ATTEMPTS:
        yield f"{step.name}: attempts must be 1 to {MOST_ATTEMPTS}, for the intervals double"


def _about_pivot(step: Step) -> Iterator[str]:
    if step.pivot and step.when:
        yield f"{step.name}: a pivot that may be skipped decides nothing"
    if step.publish and not step.pivot:
        yield f"{step.name}: only the pivot publishes"


def _about_place(saga: Saga, place: int) -> Iterator[str]:
    step = saga.flat[place]
    if place < saga.pivot_place and step.undo is None and command_of(step.do).effect:
        yield f"{step.name}: it has an effect and stands before the pivot, but has no undo"
    if place >= saga.pivot_place and step.undo is not None:
        yield f"{step.name}: it has an undo, but from the pivot on there is no way back"
    for result, rule in step.on.items():
        if place > saga.pivot_place and isinstance(rule, Question) and rule.then == "undo":
            yield f"{step.name}: the review of {result.__name__} would undo after the pivot"


def _about_release(saga: Saga, released: Released) -> Iterator[str]:
    known, shape = released.get((saga.name, saga.version)), fingerprint(saga)
    if known and known != shape:
        yield (
            f"its shape is {shape}, but version {saga.version} was released as {known}: "
            "sagas of that shape are under way, so give it a new version"
        )


def _makes(step: Step) -> Iterable[Make]:
    made = (step.do, step.undo, step.query.command if step.query else None)
    return (make for make in made if make is not None)


STEP_RULES: tuple[Callable[[Step], Iterator[str]], ...] = (
    _about_on,
    _about_query,
    _about_times,
    _about_pivot,
)
