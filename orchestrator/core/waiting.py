"""What is due when time has passed: silence, the next query, the next attempt, a review's end."""

from orchestrator.core.reviewing import run_out
from orchestrator.core.state import StepState
from orchestrator.core.turn import Turn, ask, begin_do, begin_undo, send_again


def woken(turn: Turn) -> str | None:
    """Do all that is due, or say that nothing is."""
    due = [place for place, step in enumerate(turn.steps) if step.due_at and step.due_at <= turn.at]
    for place in due:
        _due(turn, place, turn.steps[place])
    over = turn.review is not None and turn.review.until <= turn.at
    if over:
        run_out(turn)
    return None if due or over else f"nothing is due before {turn.state.wake_at}"


def _due(turn: Turn, place: int, step: StepState) -> None:
    if step.kind == "query":
        _query_due(turn, place, step)
    elif step.command_id is None:
        begin_do(turn, place) if step.kind == "do" else begin_undo(turn, place)
    elif step.sends <= turn.saga.flat[place].attempts:
        send_again(turn, place, "no answer; ")
    else:
        turn.note(place, f"no answer after {step.sends} times")
        turn.change(place, due_at=None, trouble="silent")


def _query_due(turn: Turn, place: int, step: StepState) -> None:
    query = turn.saga.flat[place].query
    if query and step.queries < query.attempts:
        ask(turn, place)
    else:
        turn.note(place, f"still unknown after {step.queries} questions")
        turn.change(place, due_at=None, trouble="unknown")
