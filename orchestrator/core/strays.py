"""What may come in at any time and must change nothing: late, foreign, repeated, malformed."""

from collections.abc import Iterator

from contracts.messages.base import Unknown
from contracts.messages.values import MessageId, derived
from orchestrator.core.answers import betters
from orchestrator.core.canonical import NOW
from orchestrator.core.definition import Saga, Step, results_of
from orchestrator.core.moves import PAUSED, PEOPLE, RESUMED, may_be_cancelled
from orchestrator.core.sample import sample
from orchestrator.core.state import (
    Answer,
    Cancelled,
    Chosen,
    Hurried,
    Input,
    Kind,
    Reassigned,
    Review,
    Start,
    State,
    StepState,
    Wake,
)
from orchestrator.core.turn import id_of, number_of
from orchestrator.core.waiting import not_now
from orchestrator.core.world import awaited, may_better

KINDS: tuple[Kind, ...] = ("do", "undo", "query")


def strays(saga: Saga, state: State) -> Iterator[tuple[str, Input]]:
    """Every kind of input that nobody awaits in that state."""
    if state.version:
        yield "the start comes again", Start(at=NOW)
        yield "somebody wakes it too early", Wake(at=NOW)
    for place, step in enumerate(state.steps):
        yield from _of_step(saga, state, saga.flat[place], step)
    yield from _of_people(state)
    yield from _of_operators(saga, state)
    if state.version and not may_be_cancelled(saga, state):
        yield "the customer cancels too late", Cancelled(at=NOW, by="the customer", reason="late")


def _of_step(saga: Saga, state: State, step: Step, now: StepState) -> Iterator[tuple[str, Input]]:
    """Every result of every command that is not awaited (any more, or yet), under its id."""
    open_ = awaited(now)
    for kind in KINDS:
        latest = number_of(now, kind)
        for number in range(max(1, latest - 1), latest + 2):
            sent = id_of(state.id, step, kind, number)
            for name in _results(step, kind):
                answer = Answer(at=NOW, command_id=sent, result=sample(name, step))
                past = kind == "query" and number < latest and isinstance(answer.result, Unknown)
                better = (kind, number) in may_better(now) and betters(step, type(answer.result))
                if not better and ((kind, number) not in open_ or past):
                    yield f"{step.name}: an answer to {kind} no. {number}: {name}", answer
    for kind, number in sorted(open_):
        yield from _foreign(saga, state, step, kind, number)


def _foreign(
    saga: Saga, state: State, step: Step, kind: Kind, number: int
) -> Iterator[tuple[str, Input]]:
    """A result that this command cannot have, and the right result under an id of nobody."""
    own = _results(step, kind)
    other = next(one for one in saga.flat if own != _results(one, "do"))
    alien = next((name for name in _results(other, "do") if name not in own), None)
    sent = id_of(state.id, step, kind, number)
    if alien:
        answer = Answer(at=NOW, command_id=sent, result=sample(alien, other))
        yield f"{step.name}: an answer that is none of its: {alien}", answer
    nobody = MessageId(derived(sent, "nobody"))
    yield (
        f"{step.name}: an answer under a foreign id",
        Answer(at=NOW, command_id=nobody, result=sample(own[0], step)),
    )


def _of_people(state: State) -> Iterator[tuple[str, Input]]:
    """What is about another review (a double click, an old page), what is no choice at all, and
    what a person decides who must not."""
    old = derived(state.id, "review", str(state.reviews - 1 if state.review else state.reviews))
    late = Reassigned(at=NOW, review_id=old, owner="another role", by="somebody", reason="late")
    yield "somebody reassigns an old review", late
    for choice in ("retry", "continue", "undo"):
        yield (
            f"somebody decides an old review: {choice}",
            Chosen(at=NOW, review_id=old, choice=choice, by="somebody", reason="late"),
        )
    if state.review:
        yield from _of_review(state.review)


def _of_operators(saga: Saga, state: State) -> Iterator[tuple[str, Input]]:
    """Who resumes what goes on, pauses what is paused or has not begun, tries what waits for
    nothing or for a person; and whatever is wanted of a paused saga."""
    if not state.paused:
        yield "somebody resumes what is not paused", RESUMED
    if state.paused or not state.version:
        yield "somebody pauses what is paused or has not begun", PAUSED
    for step, definition in zip(state.steps, saga.flat, strict=True):
        if state.paused or not_now(definition, step):
            hurried = Hurried(at=NOW, step=step.name, by="somebody", reason="quick")
            yield f"{step.name}: somebody has it tried when it cannot be", hurried
    if state.paused and state.review:
        person = next(person for person in PEOPLE if person not in state.review.not_by)
        for choice in state.review.choices:
            chosen = Chosen(
                at=NOW, review_id=state.review.id, choice=choice, by=person, reason="so it is"
            )
            yield f"somebody decides a paused saga: {choice}", chosen


def _of_review(review: Review) -> Iterator[tuple[str, Input]]:
    wrong = next((c for c in ("undo", "jump") if c not in review.choices), "jump")
    yield (
        f"somebody chooses what is not offered: {wrong}",
        Chosen(at=NOW, review_id=review.id, choice=wrong, by="somebody", reason="?"),
    )
    yield (
        "somebody asks the role that is asked",
        Reassigned(at=NOW, review_id=review.id, owner=review.owner, by="somebody", reason="?"),
    )
    for person in review.not_by:
        choice = review.choices[0]
        yield (
            f"somebody decides who has acted before: {person}",
            Chosen(at=NOW, review_id=review.id, choice=choice, by=person, reason="once more"),
        )


def _results(step: Step, kind: Kind) -> tuple[str, ...]:
    query = step.query.command if step.query else None
    make = {"do": step.do, "undo": step.undo, "query": query}[kind]
    return tuple(sorted(r.wire_name() for r in results_of(make))) if make else ()
