"""What an answer means to the step whose command it answers.

An answer is matched by the id of the command. While a step is asking (its result was Unknown), the
command itself is awaited as well as every query of this round of asking: whichever is certain first
decides. While a person is asked about a success, a success without a question answers for them.
"""

from datetime import datetime
from typing import Any, Literal

from contracts.messages.base import Failed, Result, Succeeded, Unknown
from contracts.messages.values import MessageId
from orchestrator.core.definition import Query, Question, Step, results_of
from orchestrator.core.state import Answer, Kind, StepState, Trouble
from orchestrator.core.turn import Turn, ask, ask_later, id_of, interval, number_of

Verdict = Literal["succeeded", "failed", "unknown"]
AWAITED = ("doing", "doubtful", "undoing")


def answered(turn: Turn, answer: Answer) -> str | None:
    """Apply the answer to its step, or say why it is ignored."""
    found = _awaiting(turn, answer.command_id) or _asked_about(turn, answer)
    if not found:
        return _stray(turn, answer.command_id)
    place, kind = found
    step, result = turn.saga.flat[place], answer.result
    verdict = _verdict(step, turn.steps[place], kind, result)
    if not verdict:
        return f"{type(result).__name__} is no result of the {kind} of {step.name}"
    if verdict == "unknown":
        return _unknown(turn, place, kind, answer)
    if turn.steps[place].status == "undoing":
        _undo_answered(turn, place, verdict, result)
    elif verdict == "succeeded":
        done(turn, place, result)
    else:
        _failed(turn, place, result)
    return None


def done(turn: Turn, place: int, result: Result | None, by: str = "") -> None:
    """The effect of the step exists: a service says so in `result`, or the person `by` does."""
    step = turn.saga.flat[place]
    heard = _heard(step, result) if result else {"trouble": ""}
    turn.change(place, status="done", command_id=None, due_at=None, by=by, **heard)
    if result:
        turn.data = turn.data.learn(result)
        turn.note(place, result.words())
    if step.publish:
        event = step.publish(turn.data)
        turn.events.append(event)
        turn.notes.append(f"{event.wire_name()} published")


def _failed(turn: Turn, place: int, result: Result) -> None:
    """The effect certainly does not exist: after the pivot it is tried again, before it not."""
    step = turn.saga.flat[place]
    turn.data = turn.data.learn(result)
    heard = _heard(step, result)
    turn.change(place, status="failed", kind="do", command_id=None, due_at=None, **heard)
    turn.note(place, _said(result))
    if place > turn.saga.pivot_place and not turn.steps[place].trouble:
        _refused(turn, place)


def _undo_answered(turn: Turn, place: int, verdict: Verdict, result: Result) -> None:
    """An undo that certainly failed is tried again, like everything that must succeed."""
    heard = {**_heard(turn.saga.flat[place], result), "trouble": ""}
    turn.data = turn.data.learn(result)
    turn.change(place, kind="undo", command_id=None, due_at=None, **heard)
    if verdict == "succeeded":
        turn.change(place, status="undone")
        return turn.note(place, f"undone ({result.words()})")
    turn.note(place, f"not undone ({_said(result)})")
    return _refused(turn, place)


def _refused(turn: Turn, place: int) -> None:
    """Wait for the next attempt, longer each time; when there is none left, for a person."""
    step, was = turn.saga.flat[place], turn.steps[place]
    if was.refusals >= step.attempts:
        return turn.change(place, refusals=was.refusals + 1, trouble="refused")
    sent = id_of(turn.state.id, step, was.kind, number_of(was, was.kind))
    due: datetime = turn.at + interval(step.within, was.refusals, sent)
    return turn.change(place, refusals=was.refusals + 1, due_at=due)


def _unknown(turn: Turn, place: int, kind: Kind, answer: Answer) -> str | None:
    """Nobody can tell yet: ask, or let a person decide. Never guess."""
    step, was, result = turn.saga.flat[place], turn.steps[place], answer.result
    if kind == "query" and answer.command_id != was.command_id:
        return f"{step.name} was asked about again since"
    if kind != "query" and (was.kind == "query" or was.trouble == "unknown"):
        return f"that {step.name} is unknown is known already"
    if was.status == "doubtful":
        return f"{step.name} is to be undone, whatever came of it"
    turn.note(place, _said(result))
    heard = {**_heard(step, result), "trouble": was.trouble}
    if kind == "query":
        turn.change(place, command_id=None, **heard)
    elif isinstance(step.on.get(type(result)), Query):
        turn.change(place, queries=0, **heard)
        ask_later(turn, place) if turn.paused else ask(turn, place)
    else:
        turn.change(place, **{**heard, "due_at": None, "trouble": "unknown"})
    return None


def _awaiting(turn: Turn, command_id: MessageId) -> tuple[int, Kind] | None:
    for place, step in enumerate(turn.steps):
        if step.status not in AWAITED:
            continue
        if step.command_id == command_id:
            return place, step.kind
        if step.kind == "query":
            for kind, number in asking(step):
                if id_of(turn.state.id, turn.saga.flat[place], kind, number) == command_id:
                    return place, kind
    return None


def _asked_about(turn: Turn, answer: Answer) -> tuple[int, Kind] | None:
    """The step whose success a person is asked about, if this is a better one."""
    for place, step in enumerate(turn.steps):
        definition = turn.saga.flat[place]
        asked = step.status == "done" and step.trouble == "asked"
        better = asked and betters(definition, type(answer.result))
        if better and id_of(turn.state.id, definition, "do", step.attempt) == answer.command_id:
            return place, "do"
    return None


def betters(step: Step, result: type[Result]) -> bool:
    """Whether this result makes a question about a success of the step moot."""
    success = issubclass(result, Succeeded) and result in results_of(step.do)
    return success and not step.pivot and not isinstance(step.on.get(result), Question)


def asking(step: StepState) -> list[tuple[Kind, int]]:
    """What a step that is asking awaits: the command in doubt, and each query of this round."""
    purpose = _purpose(step)
    queries: list[tuple[Kind, int]] = [
        ("query", number) for number in range(step.asked - step.queries + 1, step.asked + 1)
    ]
    return [(purpose, number_of(step, purpose)), *queries]


def _verdict(step: Step, was: StepState, kind: Kind, result: Result) -> Verdict | None:
    """What the result says about the command in doubt; None when it cannot be its result."""
    purpose = _purpose(was)
    make = _make(step, kind)
    if make is None or type(result) not in results_of(make):
        return None
    if isinstance(result, Unknown):
        return "unknown"
    if kind == "query":
        return _found(step, purpose, result)
    return "succeeded" if isinstance(result, Succeeded) else "failed"


def _found(step: Step, purpose: Kind, result: Result) -> Verdict:
    """A query says what stands. For a step, its own success; for its undo, anything that is not a
    success of the step: nothing is there to be undone."""
    if purpose == "do":
        stands = isinstance(result, Succeeded) and type(result) in results_of(step.do)
        return "succeeded" if stands else "failed"
    make = step.undo
    undone = isinstance(result, Failed) or (make and type(result) in results_of(make))
    return "succeeded" if undone else "failed"


def _make(step: Step, kind: Kind) -> Any:
    if kind == "query":
        return step.query.command if step.query else None
    return step.undo if kind == "undo" else step.do


def _purpose(step: StepState) -> Kind:
    return "undo" if step.status == "undoing" else "do"


def _heard(step: Step, result: Result) -> dict[str, Any]:
    trouble: Trouble = "asked" if isinstance(step.on.get(type(result)), Question) else ""
    reason = str(getattr(result, "reason", ""))
    return {"result": result.wire_name(), "reason": reason, "trouble": trouble}


def _said(result: Result) -> str:
    reason = getattr(result, "reason", "")
    return f"{result.words()} ({reason})" if reason else result.words()


def _stray(turn: Turn, command_id: MessageId) -> str:
    """Why nobody awaits the answer to this command."""
    for place, step in enumerate(turn.steps):
        definition = turn.saga.flat[place]
        for kind in ("do", "undo", "query"):
            for number in range(1, number_of(step, kind) + 1):
                if id_of(turn.state.id, definition, kind, number) == command_id:
                    return f"{step.name} is {step.status}; the {kind} no. {number} is not awaited"
    return "it answers no command of this saga"
