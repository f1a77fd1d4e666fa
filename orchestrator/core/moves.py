"""What may happen next in a state of a walk: to the services, on the wire, by time, by people."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from msgspec import structs

from contracts.messages.values import MessageId, SagaId
from orchestrator.core.answers import betters
from orchestrator.core.canonical import DUE, FAR, LATER, NOW
from orchestrator.core.definition import Saga, Step
from orchestrator.core.sample import sample
from orchestrator.core.state import (
    Answer,
    Cancelled,
    Choice,
    Chosen,
    Hurried,
    Input,
    Paused,
    Reassigned,
    Resumed,
    Review,
    Start,
    State,
    StepState,
    Wake,
)
from orchestrator.core.turn import id_of
from orchestrator.core.waiting import not_now
from orchestrator.core.world import Reply, Sides, Told, awaited, handled, has_effect, may_better

CANCELLED = Cancelled(at=NOW, by="the customer", reason="it is not wanted any more")
PAUSED = Paused(at=NOW, until=DUE, by="an operator", reason="something is amiss")
RESUMED = Resumed(at=NOW, by="an operator", reason="it is mended")
PEOPLE = ("a person", "a second person")


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that happens: to the world alone, or (`happened`) to the saga in `state`.

    `at` is the step it is about; `told` what the saga is told about it by this.
    """

    label: str
    state: State
    sides: Sides
    happened: Input | None = None
    at: int | None = None
    told: Told | None = None
    retried: bool = False
    deadline: bool = False


def moves(saga: Saga, state: State, sides: Sides, pauses: bool) -> Iterator[Move]:
    """Everything that may happen; whether somebody may pause the saga, too."""
    if state.version == 0:
        yield Move("the saga starts", state, sides, Start(at=NOW))
        yield Move("the saga is found due", state, sides, Wake(at=DUE))
        return
    yield from _handlings(saga, state, sides)
    if state.finished:
        return
    yield from _answers(saga, state, sides)
    if state.paused:
        yield Move("somebody resumes it", state, sides, RESUMED)
        yield Move("the pause is over", state, sides, Wake(at=DUE))
    else:
        yield from _times(saga, state, sides)
        yield from _decisions(saga, state, sides)
        if pauses:
            yield Move("somebody pauses it", state, sides, PAUSED)
    if may_be_cancelled(saga, state):
        yield Move("the customer cancels", state, sides, CANCELLED)


def may_be_cancelled(saga: Saga, state: State) -> bool:
    """Whether the pivot is not sent, or certainly failed, and nothing is undone yet."""
    decided = [step.status for step in state.steps[saga.pivot_place : saga.pivot_place + 1]]
    return state.heading == "forward" and set(decided) <= {"waiting", "failed"}


def replies_to(saga: Saga, saga_id: SagaId, place: int, reply: Reply) -> Answer:
    """The reply as the saga gets it."""
    step = saga.flat[place]
    sent: MessageId = id_of(saga_id, step, reply.kind, reply.number)
    return Answer(at=NOW, command_id=sent, result=sample(reply.result, step))


def _handlings(saga: Saga, state: State, sides: Sides) -> Iterator[Move]:
    for place, side in enumerate(sides):
        step = saga.flat[place]
        for kind, number in sorted(side.pending):
            for result, after in handled(step, side, kind, number):
                label = f"{step.name}: its service handles the {kind}: {result}"
                yield Move(label, state, _with(sides, place, after))


def _answers(saga: Saga, state: State, sides: Sides) -> Iterator[Move]:
    for place, side in enumerate(sides):
        for reply in sorted(side.replies):
            if _means_something(saga.flat[place], state.steps[place], reply):
                told = None if reply.means == "unknown" else reply.means
                for number in _numbers(state.steps[place], reply):
                    answer = replies_to(saga, state.id, place, replace(reply, number=number))
                    label = f"{state.steps[place].name}: the answer to the {reply.kind} arrives"
                    yield Move(label, state, sides, answer, place, told)


def _means_something(definition: Step, step: StepState, reply: Reply) -> bool:
    told = (reply.kind, reply.number)
    if told in may_better(step):
        return betters(definition, type(sample(reply.result, definition)))
    return told in awaited(step)


def _numbers(step: StepState, reply: Reply) -> set[int]:
    """Under which numbers it may come: what a query found out, as the first one's or the last's."""
    late = reply.kind == "query" and reply.means != "unknown"
    return {reply.number, step.asked - step.queries + 1} if late else {reply.number}


def _times(saga: Saga, state: State, sides: Sides) -> Iterator[Move]:
    """Every timer may be the first to end; all may end at once; the deadline may pass."""
    running = [place for place, step in enumerate(state.steps) if step.due_at]
    for place in running:
        name = state.steps[place].name
        yield Move(
            f"{name}: its time is over", _first_due(state, place), sides, Wake(at=DUE), place
        )
        if not not_now(saga.flat[place], state.steps[place]):
            hurried = Hurried(at=NOW, step=name, by="an operator", reason="it is mended")
            yield Move(f"{name}: somebody has it tried now", state, sides, hurried, place)
    if state.review:
        yield _review_over(saga, _first_due(state, None), sides, "the review's time is over")
        if running:
            yield _review_over(saga, state, sides, "all times are over")
    elif len(running) > 1:
        yield Move("all times are over", state, sides, Wake(at=DUE))
    if state.deadline == FAR and _has_deadline(saga, state):
        yield Move("the deadline passes", state, sides, deadline=True)


def _has_deadline(saga: Saga, state: State) -> bool:
    """It stands still in review and in a pause, and means nothing once the pivot is sent."""
    decided = [step.status for step in state.steps[saga.pivot_place :]]
    still = state.review or state.paused
    return not still and state.heading == "forward" and set(decided) <= {"waiting"}


def _review_over(saga: Saga, state: State, sides: Sides, label: str) -> Move:
    review = state.review
    assert review
    place = saga.place[review.step]
    doubt = review.then == "undo" and sides[place].told == "doubt"
    return Move(label, state, sides, Wake(at=DUE), place, "decided" if doubt else None)


def _first_due(state: State, place: int | None) -> State:
    """The same state with everything but one timer later: that of a step, or of the review."""
    steps = tuple(
        structs.replace(step, due_at=LATER) if step.due_at and at != place else step
        for at, step in enumerate(state.steps)
    )
    review = state.review
    if review and place is not None:
        review = structs.replace(review, until=LATER)
    return structs.replace(state, steps=steps, review=review)


def _decisions(saga: Saga, state: State, sides: Sides) -> Iterator[Move]:
    review = state.review
    if not review:
        return
    yield Move("somebody asks another role", state, sides, _reassigned(saga, review))
    place, person = saga.place[review.step], next(p for p in PEOPLE if p not in review.not_by)
    for choice in review.choices:
        decided = _decided(saga, state, sides, place, choice)
        if decided:
            chosen = Chosen(
                at=NOW, review_id=review.id, choice=choice, by=person, reason="so it is"
            )
            after, told = decided
            label = f"{person} chooses {choice} about {review.step}"
            yield Move(label, state, after, chosen, place, told, choice == "retry")


def _reassigned(saga: Saga, review: Review) -> Reassigned:
    owner = saga.owner if review.owner != saga.owner else "another role"
    return Reassigned(at=NOW, review_id=review.id, owner=owner, by=PEOPLE[0], reason="theirs")


def _decided(
    saga: Saga, state: State, sides: Sides, place: int, choice: Choice
) -> tuple[Sides, Told | None] | None:
    """What the choice makes of the world; None when a careful person would not choose it.

    A person who says `continue` has seen that it is so, or made it so by hand.
    """
    side, step = sides[place], state.steps[place]
    if choice == "undo":
        return sides, "decided" if side.told == "doubt" else None
    if choice == "retry":
        new_attempt = step.trouble == "unknown" and not saga.flat[place].query
        return None if new_attempt and side.effects else (sides, None)
    if step.status == "undoing":
        return _with(sides, place, replace(side, effects=0, tombstone=True)), "gone"
    if step.status == "doing" and not side.effects and has_effect(saga.flat[place]):
        return None
    effects = 1 if has_effect(saga.flat[place]) else 0
    return _with(sides, place, replace(side, effects=effects)), "exists"


def _with(sides: Sides, place: int, side: object) -> Sides:
    return (*sides[:place], side, *sides[place + 1 :])  # type: ignore[arg-type]
