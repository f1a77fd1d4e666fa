"""One turn of a saga: what is being changed and what is to be sent, from input to decision.

A `Turn` lives inside one call of `advance` and is never seen outside of it.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from msgspec.structs import replace

from contracts.messages.base import Command, Event
from contracts.messages.values import MessageId, SagaId, derived
from orchestrator.core.decision import Decision, Send
from orchestrator.core.definition import Saga, Step, Undoing
from orchestrator.core.state import Heading, Kind, Pause, Review, State, Status, StepState

JITTER = 0.25


class Turn:
    """The saga while it takes one input."""

    def __init__(self, saga: Saga, state: State, at: datetime) -> None:
        self.saga, self.state, self.at = saga, state, at
        self.steps: list[StepState] = list(state.steps)
        self.data: Any = state.data
        self.heading: Heading = state.heading
        self.review: Review | None = state.review
        self.paused: Pause | None = state.paused
        self.reviews, self.deadline, self.why = state.reviews, state.deadline, state.why
        self.end: Status | None = None
        self.commands: list[Send] = []
        self.events: list[Event] = []
        self.opened: list[Review] = []
        self.notes: list[str] = []

    def change(self, place: int, **changes: Any) -> None:
        """Give the step at `place` new values."""
        self.steps[place] = replace(self.steps[place], **changes)

    def note(self, place: int, text: str) -> None:
        """Write down in plain words what happened to the step at `place`."""
        self.notes.append(f"{self.saga.flat[place].name}: {text}")

    def back(self, why: str, cancelled: bool = False) -> None:
        """From here on, undo."""
        self.heading, self.why = "back", why
        self.data = self.data.learn(Undoing(why, cancelled))
        self.notes.append(f"undoing begins: {why}")

    def may_go_back(self) -> bool:
        """Whether undoing is still possible: the pivot is not sent, or it certainly failed."""
        pivot = self.saga.pivot_place
        return pivot == len(self.steps) or self.steps[pivot].status in ("waiting", "failed")

    def decision(self) -> Decision:
        """What came of it all."""
        return Decision(
            state=self._next_state(),
            commands=tuple(self.commands),
            events=tuple(self.events),
            reviews=tuple(self.opened),
            notes=tuple(self.notes),
        )

    def _next_state(self) -> State:
        was = self.state
        return State(
            id=was.id,
            saga=was.saga,
            saga_version=was.saga_version,
            version=was.version + 1,
            started_at=was.started_at,
            data=self.data,
            status=self.end or self._status(),
            heading=self.heading,
            steps=tuple(self.steps),
            review=self.review,
            reviews=self.reviews,
            wake_at=None if self.end else self._wake_at(),
            deadline=self.deadline,
            why=self.why,
            parent=was.parent,
            paused=self.paused,
        )

    def _status(self) -> Status:
        if self.review:
            return "review"
        return "running" if self.heading == "forward" else "undoing"

    def _wake_at(self) -> datetime:
        if self.paused:
            return self.paused.until
        dues = [step.due_at for step in self.steps if step.due_at]
        if self.review:
            dues.append(self.review.until)
        return min(dues)


def begin_do(turn: Turn, place: int) -> None:
    """Send the step's command as its next attempt, under a new id."""
    attempt = turn.steps[place].attempt + 1
    _send(turn, place, "do", attempt, 1, status="doing", attempt=attempt, by="")
    _begun(turn, place, "do", attempt)


def begin_undo(turn: Turn, place: int) -> None:
    """Send the step's undo as its next attempt, under a new id."""
    attempt = turn.steps[place].undo_attempt + 1
    _send(turn, place, "undo", attempt, 1, status="undoing", undo_attempt=attempt, by="")
    _begun(turn, place, "undo", attempt)


def send_again(turn: Turn, place: int, because: str = "") -> None:
    """Send the command that nobody answered again, under the same id."""
    was, attempts = turn.steps[place], turn.saga.flat[place].attempts
    sending = was.sends + 1
    turn.note(place, f"{because}sent again ({sending} of {attempts + 1})")
    _send(turn, place, was.kind, number_of(was, was.kind), sending)


def ask(turn: Turn, place: int) -> None:
    """Send the step's query; each query has an id of its own, for an answered one is answered
    from memory."""
    step, was = turn.saga.flat[place], turn.steps[place]
    query = step.query
    assert query
    number = was.asked + 1
    sent = id_of(turn.state.id, step, "query", number)
    turn.change(
        place,
        kind="query",
        asked=number,
        queries=was.queries + 1,
        command_id=sent,
        sent_at=turn.at,
        due_at=turn.at + query.every,
        trouble="",
    )
    command = query.command(turn.data)
    turn.commands.append(_packed(step, "query", sent, command, number, was.queries + 1))
    turn.note(place, f"asked {command.to} ({was.queries + 1} of {query.attempts})")


def ask_later(turn: Turn, place: int) -> None:
    """Let the query be due as soon as the saga goes on; until then the command is awaited."""
    turn.change(place, kind="query", command_id=None, due_at=turn.at, trouble="")
    turn.note(place, "is asked about when it goes on")


def number_of(step: StepState, kind: Kind) -> int:
    """The number in the id of the step's latest command of that kind."""
    if kind == "do":
        return step.attempt
    return step.undo_attempt if kind == "undo" else step.asked


def id_of(saga_id: SagaId, step: Step, kind: Kind, number: int) -> MessageId:
    """The id of a command, derived from what it is; nobody needs to remember it."""
    return _id(saga_id, step.name, kind, number)


def interval(within: timedelta, times: int, sent: str) -> timedelta:
    """How long to wait: doubled `times` times, and up to a quarter longer by the hash of an id,
    so that what was sent together is not sent again together."""
    fraction = (int(sent[-8:], 16) * (2 * times + 1) & 0xFFFFFFFF) / 0x100000000
    waited: timedelta = within * (2**times * (1 + JITTER * fraction))
    return waited


@lru_cache(4096)
def _id(saga_id: SagaId, name: str, kind: Kind, number: int) -> MessageId:
    return MessageId(derived(saga_id, name, kind, str(number)))


def _begun(turn: Turn, place: int, kind: Kind, attempt: int) -> None:
    to = turn.commands[-1].command.to
    sent = "undo sent" if kind == "undo" else "sent"
    turn.note(place, f"{sent} to {to}" + (f", attempt {attempt}" if attempt > 1 else ""))


def _send(turn: Turn, place: int, kind: Kind, number: int, sending: int, **changes: Any) -> None:
    step = turn.saga.flat[place]
    make = step.undo if kind == "undo" else step.do
    assert make
    command = make(turn.data)
    sent = id_of(turn.state.id, step, kind, number)
    turn.change(
        place,
        kind=kind,
        command_id=sent,
        sends=sending,
        sent_at=turn.at,
        due_at=turn.at + interval(step.within, sending - 1, sent),
        trouble="",
        **changes,
    )
    turn.commands.append(_packed(step, kind, sent, command, number, sending))


def _packed(
    step: Step, kind: Kind, sent: MessageId, command: Command[Any], number: int, sending: int
) -> Send:
    return Send(
        id=sent, command=command, step=step.name, kind=kind, attempt=number, sending=sending
    )
