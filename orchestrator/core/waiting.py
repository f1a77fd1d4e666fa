"""What is due when time has passed: silence, the next query, the next attempt, a review's end."""

from typing import Literal

from orchestrator.core.definition import Step
from orchestrator.core.pausing import over
from orchestrator.core.reviewing import run_out
from orchestrator.core.state import Hurried, StepState
from orchestrator.core.turn import Turn, ask, begin_do, begin_undo, send_again

ENDED = {
    "waiting": "has not begun",
    "skipped": "is not needed",
    "done": "is done",
    "failed": "has failed for good",
    "doubtful": "is to be undone",
    "undone": "is undone",
}
# What comes when the time of a step is over: the next query, the next attempt, the same command
# once more, or the question to a person.
Coming = Literal["ask", "attempt", "send", "person"]


def woken(turn: Turn) -> str | None:
    """Do all that is due, or say that nothing is; when a pause is over, nothing else yet."""
    if turn.paused:
        return over(turn, turn.paused)
    due = [place for place, step in enumerate(turn.steps) if step.due_at and step.due_at <= turn.at]
    for place in due:
        _due(turn, place, turn.steps[place], "no answer; ")
    ran_out = turn.review is not None and turn.review.until <= turn.at
    if ran_out:
        run_out(turn)
    return None if due or ran_out else f"nothing is due before {turn.state.wake_at}"


def hurried(turn: Turn, given: Hurried) -> str | None:
    """Do now what would be due, or say why not: a person is asked only when the time is over."""
    place = turn.saga.place.get(given.step)
    if place is None:
        return "it has no such step" if given.step else "it waits for nothing"
    step = turn.steps[place]
    if refusal := not_now(turn.saga.flat[place], step):
        return f"{step.name} {refusal}"
    turn.notes.append(f"{given.by} has {step.name} tried now: {given.reason}")
    _due(turn, place, step, "")
    return None


def not_now(definition: Step, step: StepState) -> str:
    """Why what is due for a step cannot happen now; empty when it can."""
    if step.trouble:
        return "waits for a person to decide its review"
    if not step.due_at:
        return ENDED.get(step.status, "waits for nothing")
    if coming(definition, step) == "person":
        return "was tried as often as it may be: a person is asked when its time is over"
    return ""


def coming(definition: Step, step: StepState) -> Coming:
    """What comes when the time of a step is over."""
    if step.kind == "query":
        query = definition.query
        return "ask" if query and step.queries < query.attempts else "person"
    if step.command_id is None:
        return "attempt"
    return "send" if step.sends <= definition.attempts else "person"


def _due(turn: Turn, place: int, step: StepState, because: str) -> None:
    what = coming(turn.saga.flat[place], step)
    if what == "ask":
        ask(turn, place)
    elif what == "send":
        send_again(turn, place, because)
    elif what == "person":
        _give_up(turn, place, step)
    else:
        begin_do(turn, place) if step.kind == "do" else begin_undo(turn, place)


def _give_up(turn: Turn, place: int, step: StepState) -> None:
    if step.kind == "query":
        turn.note(place, f"still unknown after {step.queries} questions")
        turn.change(place, due_at=None, trouble="unknown")
    else:
        turn.note(place, f"no answer after {step.sends} times")
        turn.change(place, due_at=None, trouble="silent")
