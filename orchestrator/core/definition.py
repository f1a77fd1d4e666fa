"""The words a saga is written in: step, parallel, pivot, review, query, when, publish.

A definition is a value. It says what is done, what undoes it and which results are exceptions;
everything else follows from five sentences (contracts/ARCHITECTURE.md, "The saga is a value") and
is decided in `advance`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache, cached_property
from typing import Any, Literal, Protocol, get_type_hints

from contracts.messages.base import Command, Event, Result
from contracts.messages.values import OrderId

Then = Literal["undo", "escalate", "continue"]
Make = Callable[[Any], Command[Any]]
Publish = Callable[[Any], Event]
Condition = Callable[[Any], bool]


@dataclass(frozen=True)
class Undoing:
    """Taught to the saga's data when undoing begins: why, for the undo commands that tell it, and
    whether it was cancelled."""

    reason: str
    cancelled: bool = False


class Remembered(Protocol):
    """What a saga remembers: a frozen dataclass; `learn` is one `match` over what came."""

    @property
    def order_id(self) -> OrderId:
        """The order this saga is about."""

    def learn(self, fact: Result | Undoing) -> "Remembered":
        """The same data with what `fact` taught."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A person is asked: the question, the role that is asked, how long, and what happens then;
    whether it has to be a second person."""

    question: str
    by: str
    within: timedelta
    then: Then | None = None
    second_person: bool = False


@dataclass(frozen=True, kw_only=True)
class Query:
    """How to find out what an Unknown left open: `attempts` times, at a fixed interval."""

    command: Make
    every: timedelta
    attempts: int


# Which result of a step is an exception, and what becomes of it.
Rules = Mapping[type[Result], Question | Query]


@dataclass(frozen=True, kw_only=True)
class Step:
    """A command and, unless it cannot be needed, the command that compensates it."""

    name: str
    do: Make
    undo: Make | None = None
    when: Condition | None = None
    within: timedelta
    attempts: int
    on: Rules
    pivot: bool = False
    publish: Publish | None = None

    @cached_property
    def query(self) -> Query | None:
        """The one query of this step; it serves do and undo alike."""
        return next((rule for rule in self.on.values() if isinstance(rule, Query)), None)

    @cached_property
    def second_person(self) -> bool:
        """Whether a question about this step is one for a second person; then all of them are, so
        that nobody gets around it when the answer stays away."""
        rules = self.on.values()
        return any(isinstance(rule, Question) and rule.second_person for rule in rules)


@dataclass(frozen=True)
class Parallel:
    """Steps that run at the same time."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Saga:
    """A whole saga. `owner` is the role asked when nothing names another.

    Before the pivot the saga undoes itself once `deadline` has passed; reviews without a time of
    their own last `review_within`.
    """

    name: str
    version: int
    data: type[Any]
    owner: str
    deadline: timedelta
    steps: tuple[Step | Parallel, ...]
    review_within: timedelta = timedelta(hours=24)

    @cached_property
    def flat(self) -> tuple[Step, ...]:
        """All steps in order, those of a parallel one after the other."""
        return tuple(step for part in self.steps for step in _steps_of(part))

    @cached_property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The places (in `flat`) of the steps that run together, in order."""
        groups, at = [], 0
        for part in self.steps:
            size = len(_steps_of(part))
            groups.append(tuple(range(at, at + size)))
            at += size
        return tuple(groups)

    @cached_property
    def place(self) -> dict[str, int]:
        """Where in `flat` the step of a name stands."""
        return {step.name: place for place, step in enumerate(self.flat)}

    @cached_property
    def pivot_place(self) -> int:
        """Where in `flat` the pivot stands; one past the end when there is none."""
        return next((i for i, step in enumerate(self.flat) if step.pivot), len(self.flat))


def step(
    name: str,
    *,
    do: Make,
    undo: Make | None = None,
    when: Condition | None = None,
    within: timedelta = timedelta(seconds=10),
    attempts: int = 5,
    on: Rules | None = None,
) -> Step:
    """A step: `do` it unless `when` says no; silence ends `within`, and is answered `attempts`
    times; `on` names the results that are exceptions."""
    return Step(
        name=name, do=do, undo=undo, when=when, within=within, attempts=attempts, on=on or {}
    )


def pivot(
    name: str,
    *,
    do: Make,
    publish: Publish | None = None,
    within: timedelta = timedelta(seconds=10),
    attempts: int = 5,
    on: Rules | None = None,
) -> Step:
    """The step that decides: its success is published, and after it there is no way back."""
    alone = step(name, do=do, within=within, attempts=attempts, on=on)
    return replace(alone, pivot=True, publish=publish)


def parallel(*steps: Step) -> Parallel:
    """Steps that run at the same time."""
    return Parallel(steps)


def review(
    question: str,
    *,
    by: str,
    within: timedelta,
    then: Then | None = None,
    second_person: bool = False,
) -> Question:
    """Stop and let the role `by` decide; when that takes too long, `then` (by default: undo
    before the pivot, escalate after it). With `second_person`, it is nobody who asked for the saga
    (`asked_by` in its data) or on whose word one of its steps rests."""
    return Question(question=question, by=by, within=within, then=then, second_person=second_person)


def query(command: Make, *, every: timedelta, attempts: int) -> Query:
    """Find out what an Unknown left open by asking `attempts` times."""
    return Query(command=command, every=every, attempts=attempts)


def learned(*results: type[Result] | type[Undoing]) -> Any:
    """A field of the saga's data that is empty until one of `results` has taught it."""
    return field(default=None, metadata={"learned": results})


def seconds(number: float) -> timedelta:
    """That many seconds."""
    return timedelta(seconds=number)


def minutes(number: float) -> timedelta:
    """That many minutes."""
    return timedelta(minutes=number)


def hours(number: float) -> timedelta:
    """That many hours."""
    return timedelta(hours=number)


def scaled(saga: Saga, factor: float) -> Saga:
    """The same saga with every duration multiplied by `factor`."""
    return replace(
        _each(saga, lambda one: _scaled_step(one, factor)),
        deadline=saga.deadline * factor,
        review_within=saga.review_within * factor,
    )


def thinned(saga: Saga, attempts: int) -> Saga:
    """The same saga with every step tried, and asked about, at most `attempts` times."""
    return _each(saga, lambda one: _thinned_step(one, attempts))


@cache
def command_of(make: Make) -> type[Command[Any]]:
    """The command class that `make` says it makes; `TypeError` when it does not say."""
    made = get_type_hints(make).get("return")
    if not (isinstance(made, type) and issubclass(made, Command)):
        name = getattr(make, "__qualname__", repr(make))
        raise TypeError(f"{name} does not say (-> …) which command it makes")
    return made


@cache
def results_of(make: Make) -> frozenset[type[Result]]:
    """The results that the command made by `make` may have."""
    return frozenset(command_of(make).results())


def _steps_of(part: Step | Parallel) -> tuple[Step, ...]:
    return part.steps if isinstance(part, Parallel) else (part,)


def _each(saga: Saga, change: Callable[[Step], Step]) -> Saga:
    def changed(part: Step | Parallel) -> Step | Parallel:
        if isinstance(part, Parallel):
            return Parallel(tuple(change(one) for one in part.steps))
        return change(part)

    return replace(saga, steps=tuple(changed(part) for part in saga.steps))


def _thinned_step(one: Step, attempts: int) -> Step:
    rules = {
        result: replace(rule, attempts=min(rule.attempts, attempts))
        if isinstance(rule, Query)
        else rule
        for result, rule in one.on.items()
    }
    return replace(one, attempts=min(one.attempts, attempts), on=rules)


def _scaled_step(one: Step, factor: float) -> Step:
    rules = {result: _scaled_rule(rule, factor) for result, rule in one.on.items()}
    return replace(one, within=one.within * factor, on=rules)


def _scaled_rule(rule: Question | Query, factor: float) -> Question | Query:
    if isinstance(rule, Query):
        return replace(rule, every=rule.every * factor)
    return replace(rule, within=rule.within * factor)
