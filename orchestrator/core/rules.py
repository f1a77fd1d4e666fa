"""What must hold in every transition and in every state of a walk.

The rules rest on what the saga was told (`Side.told`) and on what exists in the services, not on
what the saga believes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from contracts.messages.reviews import ManualReviewRequired
from orchestrator.core.decision import Decision, Send
from orchestrator.core.definition import Saga
from orchestrator.core.moves import Move
from orchestrator.core.state import Resumed, State, Wake
from orchestrator.core.turn import id_of, number_of
from orchestrator.core.world import Side, Sides, has_effect


def broken(saga: Saga, before: State, move: Move, decision: Decision) -> tuple[Sides, str]:
    """The sides after the decision, and the first rule it breaks (or nothing)."""
    sides = list(move.sides)
    if move.at is not None and move.told:
        sides[move.at] = replace(sides[move.at], told=move.told)
    wrong = [*_about_state(before, move, decision), *_about_events(saga, move, decision)]
    for send in decision.commands:
        place = saga.place[send.step]
        wrong.extend(_about_send(saga, before, move, tuple(sides), place, send))
        if send.kind == "do" and not _all_before(saga, decision.state, sides, place):
            wrong.append(f"nothing begins before what stands before it exists: {send.step}")
        sides[place] = _sent(sides[place], before, place, send)
    return tuple(sides), next(iter(wrong), "")


def broken_at_rest(saga: Saga, state: State, sides: Sides) -> str:
    """The first rule that a state and its world break, whatever led there."""
    for place, side in enumerate(sides):
        step, status = saga.flat[place], state.steps[place].status
        if side.effects > 1:
            return f"no effect twice: {step.name}"
        if state.status == "undone" and side.effects:
            return f"no effect is left after an undone end: {step.name}"
        if state.status != "completed" or status == "skipped":
            continue
        if side.told != "exists" or side.effects != has_effect(step):
            return f"every effect exists after a completed end: {step.name}"
    return ""


def _about_state(before: State, move: Move, decision: Decision) -> Iterator[str]:
    after = decision.state
    if decision.ignored:
        if move.told:
            yield "what is certain and awaited is never ignored"
        if after is not move.state:
            yield "what is ignored changes nothing"
        if before.paused and isinstance(move.happened, Wake | Resumed):
            yield "a pause has an end"
        return
    if after.version != before.version + 1:
        yield "the version grows by one"
    if not after.finished and after.wake_at is None:
        yield "what is unfinished has a wake-up"
    if bool(after.review) != (after.status == "review"):
        yield "a person is asked exactly while the saga is in review"
    if any(step.trouble for step in after.steps) and not (after.review or after.paused):
        yield "what is in trouble is put before a person"
    if after.paused and decision.commands:
        yield "a paused saga sends nothing"
    if after.paused and after.wake_at != after.paused.until:
        yield "a paused saga is woken when its pause is over"


def _about_events(saga: Saga, move: Move, decision: Decision) -> Iterator[str]:
    asked = [event for event in decision.events if isinstance(event, ManualReviewRequired)]
    if len(asked) != len(decision.reviews):
        yield "every review is announced"
    decides = move.at == saga.pivot_place and move.told == "exists"
    publishes = decides and saga.flat[saga.pivot_place].publish is not None
    if len(decision.events) - len(asked) != publishes:
        yield "the event is published once, when the pivot has succeeded and never else"


def _about_send(
    saga: Saga, before: State, move: Move, sides: Sides, place: int, send: Send
) -> Iterator[str]:
    step, was = saga.flat[place], before.steps[place]
    if send.id != id_of(before.id, step, send.kind, send.attempt):
        yield f"an id is derived from what it names: {step.name}"
    query = step.query.attempts if step.query else 0
    if send.sending > (query if send.kind == "query" else step.attempts + 1):
        yield f"silence is answered a bounded number of times: {step.name}"
    grown = send.attempt - number_of(was, send.kind)
    if grown not in ((1,) if send.kind == "query" else (0, 1)):
        yield f"numbers grow by one: {step.name}"
    if send.kind == "do":
        yield from _about_do(saga, move, sides, place, new=grown == 1)
    elif send.kind == "undo":
        yield from _about_undo(saga, sides, place, new=grown == 1)
    elif sides[place].told not in ("doubt", "undoing"):
        yield f"only what is in doubt is queried: {step.name}"


def _about_do(saga: Saga, move: Move, sides: Sides, place: int, new: bool) -> Iterator[str]:
    step, told = saga.flat[place], sides[place].told
    if not new and told != "doubt":
        yield f"only what is in doubt is sent again: {step.name}"
    if new and told == "doubt" and not (move.retried and step.query is None):
        yield f"silence and doubt make no new attempt: {step.name}"
    if new and told not in ("nothing", "gone", "doubt"):
        yield f"what exists is not done again: {step.name}"


def _about_undo(saga: Saga, sides: Sides, place: int, new: bool) -> Iterator[str]:
    step = saga.flat[place]
    pivot = saga.pivot_place
    if pivot < len(sides) and sides[pivot].told not in ("nothing", "gone"):
        yield f"once the pivot is sent nothing is undone but by its failure: {step.name}"
    if new and sides[place].told not in ("exists", "decided"):
        yield f"only what exists, or is decided to be undone, is undone: {step.name}"
    if not new and sides[place].told != "undoing":
        yield f"only an undo in doubt is sent again: {step.name}"
    if any(side.told == "doubt" for side in sides):
        yield f"nothing is undone while something may still be happening: {step.name}"
    if any(sides[one].told not in ("nothing", "gone") for one in _later(saga, place)):
        yield f"what was done is undone last first: {step.name}"


def _sent(side: Side, before: State, place: int, send: Send) -> Side:
    if send.attempt <= number_of(before.steps[place], send.kind):
        return side
    pending = side.pending | {(send.kind, send.attempt)}
    if send.kind == "query":
        return replace(side, pending=pending)
    return replace(side, pending=pending, told="doubt" if send.kind == "do" else "undoing")


def _all_before(saga: Saga, after: State, sides: Sequence[Side], place: int) -> bool:
    group = next(group for group in saga.groups if place in group)
    return all(
        sides[one].told == "exists" or after.steps[one].status == "skipped"
        for one in range(group[0])
    )


def _later(saga: Saga, place: int) -> tuple[int, ...]:
    group = next(group for group in saga.groups if place in group)
    return tuple(one for one in range(group[-1] + 1, len(saga.flat)) if saga.flat[one].undo)
