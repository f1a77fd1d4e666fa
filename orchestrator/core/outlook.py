"""What may come next: what follows when a step fails, what a person may want of a saga now, and
what would come of that.

Nothing is decided here: whether something is possible is asked of `advance`, which is what decides
when it is done.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, get_args

from contracts.messages.base import Command, Failed, Result
from orchestrator.core.advance import advance
from orchestrator.core.definition import Query, Question, Saga, Step, command_of
from orchestrator.core.state import (
    Cancelled,
    Chosen,
    Hurried,
    Input,
    Paused,
    Resumed,
    State,
    StepState,
)
from orchestrator.core.tell import CONSEQUENCES, clock, current
from orchestrator.core.waiting import coming

Action = Literal["retry", "continue", "undo", "cancel", "pause", "resume"]
ACTIONS: tuple[Action, ...] = get_args(Action)
LABELS: dict[Action, str] = {
    "continue": "take a step as done and go on",
    "undo": "undo everything that was done",
    "cancel": "cancel it: undo everything that was done",
    "pause": "let it wait: it learns what comes and sends nothing",
    "resume": "let it go on",
}


class Wish(NamedTuple):
    """What a person wants of a saga, about which step (empty: the one it is at), and why; how long
    a pause lasts."""

    action: Action
    step: str
    by: str
    reason: str
    at: datetime
    lasts: timedelta = timedelta(hours=1)


class Possible(NamedTuple):
    """An action, in words, and why it cannot be taken now (empty when it can)."""

    action: Action
    step: str
    label: str
    because: str


def wanted(state: State, wish: Wish) -> Input | str:
    """The input that the wish amounts to in that state, or why there is none."""
    by, at, reason, review = wish.by, wish.at, wish.reason, state.review
    if wish.action == "pause":
        return Paused(at=at, until=at + wish.lasts, by=by, reason=reason)
    if wish.action == "resume":
        return Resumed(at=at, by=by, reason=reason)
    if wish.action == "cancel" or (wish.action == "undo" and not review):
        return Cancelled(at=at, by=by, reason=reason, staff=True)
    if review and wish.step in ("", review.step):
        return Chosen(at=at, review_id=review.id, choice=wish.action, by=by, reason=reason)
    if wish.action == "retry":
        return Hurried(at=at, step=wish.step or current(state), by=by, reason=reason)
    return f"a person is asked about {review.step}" if review else "no person is asked about it"


def possible(saga: Saga, state: State, by: str, at: datetime) -> Iterator[Possible]:
    """Whatever the person `by` could think of doing with the saga, by what is possible to them."""
    wishes: list[tuple[Action, str]] = [("retry", step.name) for step in state.steps]
    asked = state.review.step if state.review else ""
    wishes += [("continue", asked), ("undo", asked), ("cancel", ""), ("pause", ""), ("resume", "")]
    for action, step in wishes:
        given = wanted(state, Wish(action, step, by, "", at))
        because = given if isinstance(given, str) else advance(saga, state, given).ignored
        yield Possible(action, step, _label(saga, state, action, step), because or "")


def if_fails(saga: Saga, state: State, place: int) -> str:
    """What follows when this step fails now, by the five sentences and its exceptions; empty when
    it can fail no more."""
    step, now = saga.flat[place], state.steps[place]
    if state.finished or (state.heading == "back" and not _to_be_undone(step, now)):
        return ""
    if state.heading == "back":
        return f"Its undo is tried again up to {_times(step.attempts)}; then {saga.owner} decides."
    if now.status not in ("waiting", "doing"):
        return ""
    said = [*_exceptions(saga, step), _on_failure(saga, state, place)]
    silence = f"Without an answer it is sent again up to {_times(step.attempts)}"
    return " ".join([*filter(None, said), f"{silence}; then {saga.owner} decides."])


def undos(saga: Saga, state: State) -> Iterator[tuple[Step, Command[Any]]]:
    """What is still to be undone on the way back, in that order, by which commands."""
    if state.heading == "forward" or state.finished:
        return
    for place in reversed(range(len(saga.flat))):
        step, now = saga.flat[place], state.steps[place]
        if now.status in ("done", "doing", "doubtful") and step.undo:
            yield step, step.undo(state.data)


def _label(saga: Saga, state: State, action: Action, name: str) -> str:
    if state.review and name == state.review.step and action in ("retry", "continue", "undo"):
        return f"{name}: {CONSEQUENCES[action]}"
    if action != "retry":
        return LABELS[action]
    step, now = saga.flat[saga.place[name]], state.steps[saga.place[name]]
    if now.due_at and coming(step, now) == "ask" and step.query:
        return f"{name}: ask {command_of(step.query.command).to} again now"
    return f"{name}: try it again now"


def _to_be_undone(step: Step, now: StepState) -> bool:
    return step.undo is not None and now.status in ("done", "doing", "doubtful", "undoing")


def _on_failure(saga: Saga, state: State, place: int) -> str:
    """What a failure that is no exception leads to."""
    failures = [r for r in command_of(saga.flat[place].do).results() if issubclass(r, Failed)]
    if not [result for result in failures if result not in saga.flat[place].on]:
        return ""
    if place > saga.pivot_place:
        times = _times(saga.flat[place].attempts)
        return f"Refused, it is tried again up to {times}; then {saga.owner} decides."
    done = [
        now.name
        for now, step in zip(state.steps, saga.flat, strict=True)
        if step.undo and now.status in ("done", "doing", "doubtful")
    ]
    if not done:
        return "If it fails, it all ends; there is nothing to undo."
    return f"If it fails, what was done is undone, last first: {', '.join(reversed(done))}."


def _exceptions(saga: Saga, step: Step) -> Iterator[str]:
    for result, rule in sorted(step.on.items(), key=lambda one: one[0].words()):
        if isinstance(rule, Question):
            yield f"On {_named(result)} {rule.by} is asked: {rule.question}"
        else:
            yield f"On {_named(result)} {_asked(step, rule)}; then {saga.owner} decides."


def _asked(step: Step, rule: Query) -> str:
    service = command_of(rule.command).to
    return f"{service} is asked every {clock(rule.every)}, up to {_times(rule.attempts)}"


def _named(result: type[Result]) -> str:
    return f"“{result.words()}”"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
