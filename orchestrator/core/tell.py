"""What happened to one order, as lines a person reads; and where it stands, in plain sentences.

The same text stands in the golden stories of the tests, in `concerto why` and in the diff of a
change.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from orchestrator.core.definition import Saga, Step, command_of
from orchestrator.core.state import Choice, Pause, Review, State, StepState
from orchestrator.core.waiting import Coming, coming

CONSEQUENCES: dict[Choice, str] = {
    "retry": "try it again",
    "continue": "take it as done (it happened, or was done by hand) and go on",
    "undo": "undo everything, this step included",
}
NEXT: dict[Coming, str] = {
    "ask": "it is asked again",
    "attempt": "it is attempted again",
    "send": "it is sent again",
    "person": "a person is asked",
}


def told(started_at: datetime, journal: Iterable[tuple[datetime, Sequence[str]]]) -> list[str]:
    """The story of a journal (when, and the notes of the decision): one line a note."""
    return [f"{clock(at - started_at):>12}  {note}" for at, notes in journal for note in notes]


def story(label: str, notes: Sequence[str]) -> Iterator[str]:
    """One move of a walk: what happened, and what the saga made of it."""
    yield label
    yield from (f"    {note}" for note in notes)


def why(saga: Saga, state: State, now: datetime) -> list[str]:
    """Where the saga is, since when, what was tried, what comes next, what a person may do."""
    if state.finished:
        because = f": {state.why.rstrip('.')}" if state.why else ""
        return [f"The {saga.name} is {state.status}{because}.", *_by_hand(state)]
    lines = [_where(saga, state)]
    for place, step in enumerate(state.steps):
        if step.due_at or step.trouble or step.status in ("doing", "undoing"):
            lines.extend(_about(saga.flat[place], step, now, waits=state.paused is not None))
    if state.paused:
        lines.extend(_pause(state.paused, state, now))
    elif state.review:
        lines.extend(_for_people(state.review, now))
    else:
        lines.append("Nobody needs to act.")
    return [*lines, *_by_hand(state)]


def working(person: str, span: timedelta) -> str:
    """That somebody works on the open review."""
    return f"{person} has worked on it for {clock(span)}."


def current(state: State) -> str:
    """The name of the step the saga is at: under way, waiting to be tried again, or in trouble;
    empty when there is none."""
    at = [step for step in state.steps if step.due_at or step.trouble or step.status == "doing"]
    return state.review.step if state.review else at[0].name if at else ""


def is_retrying(state: State) -> bool:
    """Whether what is waited for was tried more than once."""
    waited = [step for step in state.steps if step.due_at]
    return any(
        step.refusals or (step.queries if step.kind == "query" else step.sends) > 1
        for step in waited
    )


def progress(state: State) -> list[tuple[str, str]]:
    """Every step and its standing in words, for tables and diagrams."""
    return [(step.name, standing(step)) for step in state.steps]


def tried(step: Step, now: StepState) -> str:
    """How often it was sent, asked about or refused, of how many times; empty if never."""
    if now.kind == "query" and step.query:
        return f"asked {now.queries} of {step.query.attempts} times"
    if now.refusals:
        return f"refused {now.refusals} of {step.attempts + 1} times"
    return f"sent {now.sends} of {step.attempts + 1} times" if now.sends else ""


def standing(step: StepState) -> str:
    """Where a step stands, in words."""
    words = {
        "silent": "no answer came",
        "unknown": "nobody can tell whether it happened",
        "refused": "refused every time",
        "asked": "answered, and a person is asked",
    }
    if step.trouble:
        return words[step.trouble]
    if step.kind == "query" and step.due_at:
        return "in doubt, and being asked about"
    return {"doing": "sent, no answer yet", "undoing": "undo sent, no answer yet"}.get(
        step.status, step.status
    )


def _where(saga: Saga, state: State) -> str:
    if state.version == 0:
        return f"The {saga.name} is about to start."
    if state.heading == "back":
        return f"The {saga.name} is being undone because of {state.why}."
    return f"The {saga.name} is at {current(state)}."


def _about(step: Step, now: StepState, at: datetime, waits: bool) -> Iterator[str]:
    since = f" for {clock(at - now.sent_at)}" if now.sent_at else ""
    where = "in sagas of its own" if _has_children(step, now) else standing(now)
    answer = now.result and f"last answer {now.result}" + (f" ({now.reason})" if now.reason else "")
    so_far = ", ".join(filter(None, (tried(step, now), answer))) or "nothing tried yet"
    yield f"{step.name}: {where}{since}; {so_far}."
    if now.due_at and not waits:
        what = NEXT[coming(step, now)]
        yield f"{step.name}: {what} in {clock(now.due_at - at)} unless an answer comes."


def _pause(pause: Pause, state: State, now: datetime) -> Iterator[str]:
    yield f"{pause.by} paused it {clock(now - pause.at)} ago: {pause.reason.rstrip('.')}."
    yield f"It goes on in {clock(pause.until - now)}, or when an operator resumes it."
    if state.review:
        yield f"{state.review.owner} can decide then: {state.review.question}"
    elif asked := [step.name for step in state.steps if step.trouble]:
        yield f"A person is asked about {asked[0]} then."


def _has_children(step: Step, now: StepState) -> bool:
    """Whether what the orchestrator does for it is under way."""
    return command_of(step.do).to == "orchestrator" and now.kind == "query" and not now.trouble


def _for_people(review: Review, now: datetime) -> Iterator[str]:
    yield f"{review.owner} has been asked for {clock(now - review.opened_at)}: {review.question}"
    for choice in review.choices:
        yield f"{review.owner} may {choice}: {CONSEQUENCES[choice]}."
    if review.not_by:
        yield f"It takes a second person: not {' or '.join(review.not_by)}."
    after = {"undo": "everything is undone", "continue": "it goes on"}.get(review.then)
    yield f"If nobody decides in {clock(review.until - now)}, {after or 'it is asked again'}."


def _by_hand(state: State) -> list[str]:
    return [f"{s.name}: {s.status} on the word of {s.by}." for s in state.steps if s.by]


def clock(span: timedelta) -> str:
    """A span of time in the two largest units that say it."""
    total = max(span.total_seconds(), 0.0)
    if total < 60:
        return f"{total:.1f} s"
    if total < 3600:
        return f"{int(total // 60)} min {int(total % 60):02d} s"
    return f"{int(total // 3600)} h {int(total % 3600 // 60):02d} min"
