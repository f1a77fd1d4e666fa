"""The whole behaviour of every saga: `advance(saga, state, input) -> Decision`.

It is pure and total: any input may come at any time, and one that means nothing changes nothing
and says why. An input first changes the steps it is about; then `_proceed` looks at where all
steps stand and decides what follows: go on, undo, ask a person, or end.
"""

from orchestrator.core.answers import answered
from orchestrator.core.decision import Decision
from orchestrator.core.definition import Saga
from orchestrator.core.pausing import paused, resumed
from orchestrator.core.reviewing import close_if_moot, decided, open_next, reassigned
from orchestrator.core.state import (
    Answer,
    Cancelled,
    Chosen,
    Hurried,
    Input,
    Paused,
    Reassigned,
    Resumed,
    Start,
    State,
    StepState,
    Wake,
)
from orchestrator.core.turn import Turn, begin_do
from orchestrator.core.undoing import forget_questions, go_back
from orchestrator.core.waiting import hurried, woken

THROUGH = ("done", "skipped")


def advance(saga: Saga, state: State, happened: Input) -> Decision:
    """What follows when this happens to a saga in that state."""
    if state.finished:
        return Decision(state=state, ignored=f"the {saga.name} is {state.status} already")
    turn = Turn(saga, state, happened.at)
    ignored = _taken(turn, happened)
    if ignored:
        return Decision(state=state, ignored=ignored)
    _proceed(turn)
    return turn.decision()


def _taken(turn: Turn, happened: Input) -> str | None:
    match happened:
        case Answer():
            return answered(turn, happened)
        case Wake() if turn.state.version:
            return woken(turn)
        case Start() if turn.state.version:
            return "it has started already"
        case Cancelled():
            return _cancelled(turn, happened)
        case Resumed():
            return resumed(turn, happened)
        case Chosen() | Reassigned() | Hurried() | Paused():
            return _wanted(turn, happened)
    return None


def _wanted(turn: Turn, happened: Chosen | Reassigned | Hurried | Paused) -> str | None:
    """What a person wants to happen now, unless the saga is paused."""
    if turn.paused:
        return f"it is paused by {turn.paused.by}; resume it first"
    match happened:
        case Chosen():
            return decided(turn, happened)
        case Reassigned():
            return reassigned(turn, happened)
        case Hurried():
            return hurried(turn, happened)
        case Paused():
            return paused(turn, happened)


def _cancelled(turn: Turn, happened: Cancelled) -> str | None:
    """Undo (once it goes on, if it is paused), unless the pivot is sent: from then on only its
    result or a person decides."""
    if turn.state.version == 0:
        return "it has not begun yet"
    if turn.heading == "back":
        return "it is being undone already"
    if not turn.may_go_back():
        return "it is too late: the pivot is sent"
    turn.back(f"cancelled by {happened.by}: {happened.reason}", cancelled=True)
    forget_questions(turn)
    return None


def _proceed(turn: Turn) -> None:
    close_if_moot(turn)
    if turn.paused:
        return
    if turn.heading == "forward":
        _go_on(turn)
    if turn.heading == "back":
        go_back(turn)
    open_next(turn)


def _go_on(turn: Turn) -> None:
    """Begin the next group when all before it are through; turn back when a step has failed."""
    for place, step in enumerate(turn.steps):
        if step.status == "failed" and not step.due_at and not step.trouble:
            return turn.back(f"{turn.saga.flat[place].name}: {step.reason or step.result}")
    for group in turn.saga.groups:
        if _through(turn.steps, group):
            continue
        if _waiting(turn.steps, group):
            if _overdue(turn, group):
                return turn.back("the deadline has passed")
            _begin(turn, group)
            if _through(turn.steps, group):
                continue
        return None
    turn.end = "completed"
    turn.notes.append(f"the {turn.saga.name} is completed")
    return None


def _begin(turn: Turn, group: tuple[int, ...]) -> None:
    for place in group:
        when = turn.saga.flat[place].when
        if when and not when(turn.data):
            turn.change(place, status="skipped")
            turn.note(place, "not needed")
        else:
            begin_do(turn, place)


def _overdue(turn: Turn, group: tuple[int, ...]) -> bool:
    return turn.at >= turn.deadline and group[0] <= turn.saga.pivot_place


def _through(steps: list[StepState], group: tuple[int, ...]) -> bool:
    for place in group:
        step = steps[place]
        if step.status not in THROUGH or step.trouble:
            return False
    return True


def _waiting(steps: list[StepState], group: tuple[int, ...]) -> bool:
    return {steps[place].status for place in group} == {"waiting"}
