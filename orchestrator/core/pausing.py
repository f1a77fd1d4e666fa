"""A person has a saga wait: it learns what comes, sends nothing and undoes nothing.

It goes on when somebody resumes it, and by itself when the time of the pause is over, so that no
pause is a dead end. What fell due meanwhile is then due at once: the services were not paused, and
what they were silent about they were silent about. The deadline and the time of an open review
stand still.
"""

from datetime import timedelta

from msgspec.structs import replace

from orchestrator.core.state import Pause, Paused, Resumed
from orchestrator.core.turn import Turn


def paused(turn: Turn, given: Paused) -> str | None:
    """Do nothing until then, or say why not."""
    if turn.state.version == 0:
        return "it has not begun yet"
    if given.until <= given.at:
        return "a pause lasts longer than nothing"
    turn.paused = Pause(by=given.by, at=given.at, until=given.until, reason=given.reason)
    turn.notes.append(f"{given.by} paused it until {end_of(turn.paused)}: {given.reason}")
    return None


def resumed(turn: Turn, given: Resumed) -> str | None:
    """Go on, or say that it does."""
    if not turn.paused:
        return "it is not paused"
    _end(turn, turn.paused, f"{given.by} resumed it: {given.reason}")
    return None


def over(turn: Turn, pause: Pause) -> str | None:
    """Go on when the time of the pause is over."""
    if turn.at < pause.until:
        return f"it is paused by {pause.by} until {end_of(pause)}"
    _end(turn, pause, f"the pause of {pause.by} is over")
    return None


def end_of(pause: Pause) -> str:
    """When the pause is over, in words."""
    return f"{pause.until:%Y-%m-%d %H:%M:%S} UTC"


def _end(turn: Turn, pause: Pause, note: str) -> None:
    """A review that is still open has stood still with the deadline all the time it was open."""
    turn.paused = None
    turn.notes.append(note)
    lasted = max(turn.at - pause.at, timedelta(0))
    if turn.review:
        turn.review = replace(turn.review, until=turn.review.until + lasted)
    else:
        turn.deadline += lasted
