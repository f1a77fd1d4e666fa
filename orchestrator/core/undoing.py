"""Going back: what was done is undone, last first, and never while it may still be happening."""

from orchestrator.core.reviewing import close_if_moot
from orchestrator.core.turn import Turn, begin_undo


def go_back(turn: Turn) -> None:
    """Undo the last group that has something to undo; end when there is none left.

    Nothing is undone while the command of any step is still in doubt, except where a person (or a
    review that ran out) has decided to undo the doubtful step itself.
    """
    forget_questions(turn)
    close_if_moot(turn)
    if any(step.status == "doing" for step in turn.steps):
        return
    for group in reversed(turn.saga.groups):
        if any(turn.steps[place].status == "undoing" for place in group):
            return
        needed = [place for place in group if _to_undo(turn, place)]
        for place in needed:
            begin_undo(turn, place)
        if needed:
            return
    turn.end = "undone"
    turn.notes.append(f"the {turn.saga.name} is undone: {turn.why}")


def _to_undo(turn: Turn, place: int) -> bool:
    may_exist = turn.steps[place].status in ("done", "doubtful")
    return may_exist and turn.saga.flat[place].undo is not None


def forget_questions(turn: Turn) -> None:
    """Whether to go on with a certain result is no question any more."""
    for place, step in enumerate(turn.steps):
        if step.trouble and step.status in ("done", "failed"):
            turn.change(place, trouble="")
