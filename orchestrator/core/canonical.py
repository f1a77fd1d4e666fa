"""When two states of a walk count as one: times and numbers are relative, the settled is settled.

Times: a timer runs or does not; the deadline has passed or has not; the saga is paused or is not.
Which timer ends first is a choice of the walk. Numbers of attempts and queries stand in ids only,
so they are taken relative to the latest. What a settled step has tried, the words of a reason, and
which role or which person is asked, decide nothing about what can follow. On the way back nothing
is begun any more, so it does not matter what was remembered, nor how a step came to have no effect.
"""

from collections.abc import Hashable
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from orchestrator.core.definition import Undoing
from orchestrator.core.state import State, StepState
from orchestrator.core.turn import number_of
from orchestrator.core.world import Side, Sides

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DUE = NOW + timedelta(hours=1)
LATER = NOW + timedelta(hours=2)
PAST = NOW - timedelta(days=1)
FAR = NOW + timedelta(days=1000)


def canonical(state: State) -> State:
    """The same state with every time replaced by one of a few."""
    review = state.review and replace(state.review, opened_at=NOW, until=DUE)
    return replace(
        state,
        steps=tuple(_step_at(step) for step in state.steps),
        review=review,
        wake_at=state.wake_at and DUE,
        deadline=PAST if state.deadline <= NOW else FAR,
        paused=state.paused and replace(state.paused, at=NOW, until=DUE),
    )


def key(state: State, sides: Sides) -> Hashable:
    """What of a state and its world decides what can follow."""
    back = state.heading == "back"
    return (
        *_whole_key(state),
        None if back else state.data.learn(Undoing("")),
        tuple(
            None if back and _is_gone(step, side) else (_step_key(step), _side_key(side, step))
            for step, side in zip(state.steps, sides, strict=True)
        ),
    )


def own_key(state: State) -> Hashable:
    """What of a state alone decides what it makes of what comes in."""
    return (*_whole_key(state), state.data, tuple(_step_key(step) for step in state.steps))


def _whole_key(state: State) -> tuple[Hashable, ...]:
    review = state.review
    return (
        state.version == 0,
        state.status,
        state.heading,
        state.deadline == PAST and state.heading == "forward",
        review and (review.step, review.level, review.choices, review.then),
        state.paused is not None,
    )


def _is_gone(step: StepState, side: Side) -> bool:
    """Whether it is settled that the step has no effect, and can have none."""
    settled = step.status in ("waiting", "skipped", "failed", "undone") and not step.due_at
    never = side.tombstone or not any(kind == "do" for kind, _ in side.pending)
    return settled and not (step.trouble or step.command_id or side.effects) and never


def _step_at(step: StepState) -> StepState:
    if not step.due_at and not step.sent_at:
        return step
    return replace(step, sent_at=NOW, due_at=step.due_at and DUE)


def _step_key(step: StepState) -> Hashable:
    settled = (step.status, step.trouble)
    if not (step.due_at or step.trouble or step.command_id):
        return settled
    return (
        *settled,
        step.kind,
        step.due_at is not None,
        step.command_id is not None,
        step.sends if step.kind != "query" and step.command_id and not step.trouble else 0,
        step.queries if step.kind == "query" and not step.trouble else 0,
        step.refusals,
        step.result if step.trouble else "",
    )


def _side_key(side: Side, step: StepState) -> Hashable:
    stands = (side.effects, side.tombstone, side.told)
    if not side.pending and not side.replies:
        return stands
    return (
        *stands,
        frozenset((kind, number_of(step, kind) - number) for kind, number in side.pending),
        frozenset(
            (r.kind, number_of(step, r.kind) - r.number, r.result, r.means) for r in side.replies
        ),
    )
