"""The abstract services against which `explore` runs a saga: one side for each step.

A side counts the effects that exist, handles each command at most once (a repeat is answered from
memory), and remembers an undo that came first. What it answers is up to chance: every result that
the command lists. It also keeps what the saga has been *told*, apart from what the saga makes of
it, so that the rules of `explore` do not rest on the code they judge.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Literal

from contracts.messages.base import Failed, Result, Succeeded, Unknown
from orchestrator.core.answers import asking, betters
from orchestrator.core.definition import Make, Question, Step, command_of, results_of
from orchestrator.core.state import Kind, State, StepState

Told = Literal["nothing", "doubt", "exists", "gone", "decided", "undoing"]
Means = Literal["exists", "gone", "unknown"]


@dataclass(frozen=True, slots=True, order=True)
class Reply:
    """An answer that may arrive, any number of times: to which command, and what it means."""

    kind: Kind
    number: int
    result: str
    means: Means


@dataclass(frozen=True, slots=True)
class Side:
    """The service behind one step, and what the saga has been told about it.

    `told`: `decided` means that a person, or the end of a review, had what is in doubt undone.
    """

    effects: int = 0
    tombstone: bool = False
    told: Told = "nothing"
    pending: frozenset[tuple[Kind, int]] = frozenset()
    replies: frozenset[Reply] = frozenset()


Sides = tuple[Side, ...]


def handled(step: Step, side: Side, kind: Kind, number: int) -> Iterator[tuple[str, Side]]:
    """Everything that may come of the service handling that command for the first time."""
    left = replace(side, pending=side.pending - {(kind, number)})
    if kind == "do":
        outcomes = _done(step, left, under_way=side)
    else:
        outcomes = {"undo": _undone, "query": _queried}[kind](step, left)
    for result, after, replies in outcomes:
        told = {Reply(kind, number, name, means) for name, means in replies}
        yield result, replace(after, replies=after.replies | told)


def awaited(step: StepState) -> frozenset[tuple[Kind, int]]:
    """Which commands of the step still wait for an answer that means something."""
    if step.status in ("doing", "doubtful"):
        open_ = {("do", step.attempt)}
    elif step.status == "undoing":
        open_ = {("undo", step.undo_attempt)}
    else:
        return frozenset()
    if step.kind == "query":
        open_.update(asking(step))
    return frozenset(open_) if step.command_id or step.kind == "query" else frozenset()  # type: ignore[arg-type]


def may_better(step: StepState) -> frozenset[tuple[Kind, int]]:
    """Which command of the step may still be answered by a better success."""
    asked = step.status == "done" and step.trouble == "asked"
    return frozenset({("do", step.attempt)}) if asked else frozenset()


def tidied(state: State, sides: Sides) -> Sides:
    """Without the replies and queries that nobody awaits: that they change nothing is shown by
    sending every one of them to every state as a stray. All queries of a round of asking count as
    its latest: what one of them may bring to light, any other may."""
    return tuple(
        _tidied(side, awaited(step) | may_better(step), step.asked)
        if side.pending or side.replies
        else side
        for side, step in zip(sides, state.steps, strict=True)
    )


def has_effect(step: Step) -> bool:
    """Whether the step's command changes anything."""
    return command_of(step.do).effect


Outcome = tuple[str, Side, tuple[tuple[str, Means], ...]]


def _done(step: Step, side: Side, under_way: Side) -> Iterator[Outcome]:
    if side.tombstone:
        name = _first(step.do, Failed) or _first(step.do, Succeeded)
        yield f"{name} (an undo came first)", side, ((name, "gone"),)
        return
    exists = replace(side, effects=side.effects + has_effect(step))
    for result in _sorted(step.do):
        name = result.wire_name()
        if issubclass(result, Succeeded):
            yield name, exists, ((name, "exists"), *_bettered(step, result))
        elif issubclass(result, Failed):
            yield name, side, ((name, "gone"),)
        else:
            yield from _in_doubt(step, side, exists, name, under_way)


def _bettered(step: Step, result: type[Result]) -> tuple[tuple[str, Means], ...]:
    """After a success that is a question the service may say one that is none."""
    if not isinstance(step.on.get(result), Question):
        return ()
    better = [other.wire_name() for other in _sorted(step.do) if betters(step, other)]
    return ((better[0], "exists"),) if better else ()


def _in_doubt(
    step: Step, side: Side, exists: Side, unknown: str, under_way: Side
) -> Iterator[Outcome]:
    """Unknown, with or without the effect; the service may know later, and say so. What is
    queried and can never be said to have failed happens in the end."""
    succeeded, failed = _first(step.do, Succeeded), _first(step.do, Failed)
    yield f"{unknown}, and it happened", exists, ((unknown, "unknown"), (succeeded, "exists"))
    if failed or not step.query or _first(step.query.command, Failed):
        later: tuple[tuple[str, Means], ...] = ((failed, "gone"),) if failed else ()
        yield f"{unknown}, and it did not happen", side, ((unknown, "unknown"), *later)
    else:
        yield f"{unknown}, and it is under way", under_way, ((unknown, "unknown"),)


def _undone(step: Step, side: Side) -> Iterator[Outcome]:
    assert step.undo
    kept = replace(side, tombstone=True)
    gone = replace(kept, effects=0)
    for result in _sorted(step.undo):
        name = result.wire_name()
        if issubclass(result, Succeeded):
            yield name, gone, ((name, "gone"),)
        elif issubclass(result, Failed):
            yield name, kept, ((name, "exists"),)
        else:
            yield f"{name}, and it is undone", gone, ((name, "unknown"),)
            yield f"{name}, and it still stands", kept, ((name, "unknown"),)


def _queried(step: Step, side: Side) -> Iterator[Outcome]:
    """What stands, or that it still cannot be told."""
    assert step.query
    asked = step.query.command
    unknown = _first(asked, Unknown)
    if unknown:
        yield unknown, side, ((unknown, "unknown"),)
    if side.effects:
        name = _first(step.do, Succeeded, among=asked)
        yield name, side, ((name, "exists"),)
        return
    undone = _first(step.undo, Succeeded, among=asked) if step.undo and side.tombstone else ""
    for name in filter(None, {undone, _first(asked, Failed)}):
        yield name, side, ((name, "gone"),)


@cache
def _sorted(make: Make) -> tuple[type[Result], ...]:
    return tuple(sorted(results_of(make), key=lambda result: result.wire_name()))


@cache
def _first(make: Make, kind: type[Result], among: Make | None = None) -> str:
    listed = [r for r in _sorted(make) if issubclass(r, kind)]
    allowed = [r for r in listed if among is None or r in results_of(among)]
    return allowed[0].wire_name() if allowed else ""


@lru_cache(maxsize=100_000)
def _tidied(side: Side, open_: frozenset[tuple[Kind, int]], asked: int) -> Side:
    return replace(
        side,
        pending=frozenset(p for p in side.pending if p[0] != "query" or p == ("query", asked)),
        replies=frozenset(
            replace(reply, number=asked) if reply.kind == "query" else reply
            for reply in side.replies
            if (reply.kind, reply.number) in open_ and not _outdated(reply, asked)
        ),
    )


def _outdated(reply: Reply, asked: int) -> bool:
    return reply.kind == "query" and reply.number < asked and reply.means == "unknown"
