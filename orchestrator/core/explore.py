"""The whole state space of a saga, walked breadth first against abstract services.

Everything that may happen in a state happens: commands are handled late or never, answers arrive in
any order and any number of times, time passes, the deadline passes, people decide, and strays of
every kind come in; somebody has what waits tried at once, pauses the saga and resumes it. Each
transition is judged by `rules`; what breaks one is told as the shortest story that leads there.
Data that a condition tells apart are walked one after the other.

A step is tried, and asked about, at most `ATTEMPTS` times: a third time meets nothing that the
second did not, and each more multiplies the states of all that runs beside it.
"""

from collections import deque
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from msgspec import structs

from contracts.messages.values import SagaId, stamped
from orchestrator.core.advance import advance
from orchestrator.core.canonical import NOW, PAST, canonical, key, own_key
from orchestrator.core.decision import Decision
from orchestrator.core.definition import Saga, thinned
from orchestrator.core.moves import Move, moves
from orchestrator.core.rules import broken, broken_at_rest
from orchestrator.core.sample import examples
from orchestrator.core.state import Input, State, begin
from orchestrator.core.strays import strays
from orchestrator.core.tell import story
from orchestrator.core.world import Side, Sides, tidied

ATTEMPTS = 2
MOST_STATES = 500_000
MOST_BREACHES = 10
MOST_STEPS_PAUSED = 8


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule that does not hold, and the shortest story that shows it."""

    rule: str
    story: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Walk:
    """What was walked, and what was found. `complete` unless it was stopped."""

    states: int
    transitions: int
    strays: int
    breaches: tuple[Breach, ...]
    complete: bool

    def and_(self, other: "Walk") -> "Walk":
        """Both walks counted as one."""
        return Walk(
            self.states + other.states,
            self.transitions + other.transitions,
            self.strays + other.strays,
            self.breaches + other.breaches,
            self.complete and other.complete,
        )


@dataclass(frozen=True, slots=True)
class _Node:
    """A state of saga and world, and how it was reached."""

    state: State
    sides: Sides
    parent: "_Node | None" = None
    label: str = ""
    notes: tuple[str, ...] = ()


def explore(saga: Saga, most_breaches: int = MOST_BREACHES, pauses: bool | None = None) -> Walk:
    """Walk everything that may happen to the saga; stop at that many breaches. That somebody pauses
    it is walked too (`pauses`) unless it has many steps, for it doubles the states."""
    pauses = len(saga.flat) <= MOST_STEPS_PAUSED if pauses is None else pauses
    saga = thinned(saga, ATTEMPTS)
    whole = Walk(0, 0, 0, (), True)
    for data in examples(saga):
        left = most_breaches - len(whole.breaches)
        if left > 0:
            whole = whole.and_(_Walker(saga, left, pauses).walk(data))
    return whole


def report(saga: Saga, walk: Walk) -> list[str]:
    """What the walk has shown, as lines for a person."""
    whole = "the whole state space" if walk.complete else "a part of the state space (stopped)"
    lines = [
        f"{saga.name} version {saga.version}: {whole}, each step tried and asked about "
        f"up to {ATTEMPTS} times",
        f"{walk.states} states, {walk.transitions} transitions, {walk.strays} strays, "
        f"{len(walk.breaches)} breaches",
    ]
    for breach in walk.breaches:
        lines += ["", f"BREACH {breach.rule}", *(f"  {line}" for line in breach.story)]
    return lines


class _Walker:
    def __init__(self, saga: Saga, most_breaches: int, pauses: bool) -> None:
        self.saga, self.most_breaches, self.pauses = saga, most_breaches, pauses
        self.seen: dict[Hashable, _Node] = {}
        self.before: dict[Hashable, list[Hashable]] = {}
        self.strayed: set[Hashable] = set()
        self.queue: deque[Hashable] = deque()
        self.transitions = self.strays = 0
        self.breaches: list[Breach] = []

    def walk(self, data: Any) -> Walk:
        state = begin(self.saga, SagaId(stamped(NOW, "explore", self.saga.name)), data, NOW)
        self._reach(_Node(canonical(state), tuple(Side() for _ in self.saga.flat)), None)
        while self.queue and not self._stopped():
            here = self.queue.popleft()
            self._leave(here, self.seen[here])
        complete = not self._stopped()
        if complete:
            self._find_dead_ends()
        return Walk(len(self.seen), self.transitions, self.strays, tuple(self.breaches), complete)

    def _stopped(self) -> bool:
        return len(self.breaches) >= self.most_breaches or len(self.seen) >= MOST_STATES

    def _leave(self, here: Hashable, node: _Node) -> None:
        if (own := own_key(node.state)) not in self.strayed:
            self.strayed.add(own)
            for label, happened in strays(self.saga, node.state):
                self.strays += 1
                self._stray(node, label, happened)
        for move in moves(self.saga, node.state, node.sides, self.pauses):
            self.transitions += 1
            after = self._take(node, move)
            if after:
                self._reach(after, here)

    def _take(self, node: _Node, move: Move) -> _Node | None:
        """Where the move leads; None when it breaks a rule, for nothing behind that counts."""
        if move.happened is None:
            state = structs.replace(node.state, deadline=PAST) if move.deadline else node.state
            return self._judged(_Node(state, tidied(state, move.sides), node, move.label))
        decision = self._advanced(node, move.state, move.happened, move.label)
        if decision is None:
            return None
        sides, wrong = broken(self.saga, node.state, move, decision)
        state = canonical(decision.state)
        after = _Node(state, tidied(state, sides), node, move.label, _told(decision))
        return self._judged(after, wrong)

    def _judged(self, node: _Node, wrong: str = "") -> _Node | None:
        wrong = wrong or broken_at_rest(self.saga, node.state, node.sides)
        if wrong:
            self._breach(node, wrong)
        return None if wrong else node

    def _stray(self, node: _Node, label: str, happened: Input) -> None:
        decision = self._advanced(node, node.state, happened, label)
        if decision and (not decision.ignored or decision.state is not node.state):
            self._breach(
                replace(node, parent=node, label=label, notes=_told(decision)),
                "what nobody awaits changes nothing",
            )

    def _advanced(self, node: _Node, state: State, happened: Input, label: str) -> Decision | None:
        try:
            return advance(self.saga, state, happened)
        except Exception as error:
            raised = (f"{type(error).__name__}: {error}",)
            self._breach(replace(node, parent=node, label=label, notes=raised), "advance is total")
            return None

    def _reach(self, node: _Node, parent: Hashable) -> None:
        here = key(node.state, node.sides)
        if here not in self.seen:
            self.seen[here] = node
            self.queue.append(here)
        self.before.setdefault(here, []).append(parent)

    def _breach(self, node: _Node, rule: str) -> None:
        if len(self.breaches) < self.most_breaches:
            self.breaches.append(Breach(rule, _story(node)))

    def _find_dead_ends(self) -> None:
        """From every state the end can be reached."""
        alive = {here for here, node in self.seen.items() if node.state.finished}
        todo = list(alive)
        while todo:
            for parent in self.before.get(todo.pop(), ()):
                if parent is not None and parent not in alive:
                    alive.add(parent)
                    todo.append(parent)
        for here, node in self.seen.items():
            if here not in alive:
                self._breach(node, "every road leads to an end")


def _told(decision: Decision) -> tuple[str, ...]:
    return (f"ignored: {decision.ignored}",) if decision.ignored else decision.notes


def _story(node: _Node) -> tuple[str, ...]:
    def told(at: _Node | None) -> Iterator[str]:
        if at is None or not at.label:
            return
        yield from told(at.parent)
        yield from story(at.label, at.notes)

    return tuple(told(node))
