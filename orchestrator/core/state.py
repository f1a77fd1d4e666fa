"""What a saga is at one moment, and what may happen to it next: state and inputs.

All of it is plain data that a store can write as JSON; only `State.data` and `Answer.result` have
types that the store looks up (by saga and by wire name).
"""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from contracts.messages.base import Result
from contracts.messages.values import MessageId, SagaId
from orchestrator.core.definition import Saga, Then

Status = Literal["running", "undoing", "review", "completed", "undone"]
FINISHED: tuple[Status, ...] = ("completed", "undone")
Heading = Literal["forward", "back"]
Kind = Literal["do", "undo", "query"]
Choice = Literal["retry", "continue", "undo"]

# waiting: nothing sent · skipped: not needed · doing: sent, and nobody knows yet · done: the effect
# exists · failed: it certainly does not · doubtful: nobody knows, and it is to be undone all the
# same · undoing: the undo is sent · undone: the effect is gone, and will not come
StepStatus = Literal[
    "waiting", "skipped", "doing", "done", "failed", "doubtful", "undoing", "undone"
]

# Why a step needs a person: no answer came; nobody can tell; it was refused too often; or its
# result is one about which the definition wants a person asked.
Trouble = Literal["", "silent", "unknown", "refused", "asked"]


class StepState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where one step stands.

    `attempt` and `undo_attempt` count ids, `asked` the queries ever sent; `sends`, `queries` and
    `refusals` count what was tried since a person last had a say. `command_id` is what is awaited
    (the latest), `due_at` when something is done about it. `by` is the person on whose word the
    status rests.
    """

    name: str
    status: StepStatus = "waiting"
    kind: Kind = "do"
    attempt: int = 0
    undo_attempt: int = 0
    asked: int = 0
    sends: int = 0
    queries: int = 0
    refusals: int = 0
    command_id: MessageId | None = None
    sent_at: datetime | None = None
    due_at: datetime | None = None
    result: str = ""
    reason: str = ""
    trouble: Trouble = ""
    by: str = ""


class Review(Struct, frozen=True, kw_only=True):
    """A person in the role `owner` is asked about the `trouble` of a step: what they may choose,
    until when, and what happens then. `not_by` are those who have acted in this saga before, where
    a second person has to decide."""

    id: str
    step: str
    trouble: Trouble
    question: str
    owner: str
    opened_at: datetime
    until: datetime
    choices: tuple[Choice, ...]
    then: Then
    level: int = 0
    not_by: tuple[str, ...] = ()


class Pause(Struct, frozen=True, kw_only=True):
    """`by` has it wait: it learns what comes and sends nothing before `until`."""

    by: str
    at: datetime
    until: datetime
    reason: str


class Parent(Struct, frozen=True, kw_only=True):
    """The saga that waits for this one, and its command that made this one begin."""

    saga: SagaId
    command: MessageId


class State(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A saga at one moment. `version` grows by one with every input that is applied.

    `wake_at` is never empty while the saga is unfinished. `deadline` stands still in review, and
    while it is `paused`.
    """

    id: SagaId
    saga: str
    saga_version: int
    version: int
    started_at: datetime
    data: Any
    status: Status
    heading: Heading
    steps: tuple[StepState, ...]
    review: Review | None
    reviews: int
    wake_at: datetime | None
    deadline: datetime
    why: str = ""
    parent: Parent | None = None
    paused: Pause | None = None

    @property
    def finished(self) -> bool:
        """Whether the saga has come to its end, which it never leaves."""
        return self.status in FINISHED


class Start(Struct, frozen=True, kw_only=True):
    """The saga is to begin."""

    at: datetime


class Answer(Struct, frozen=True, kw_only=True):
    """A service answered the command `command_id` with `result`."""

    at: datetime
    command_id: MessageId
    result: Result


class Wake(Struct, frozen=True, kw_only=True):
    """Time has passed; something may be due."""

    at: datetime


class Chosen(Struct, frozen=True, kw_only=True):
    """The person `by` decided the review."""

    at: datetime
    review_id: str
    choice: str
    by: str
    reason: str


class Reassigned(Struct, frozen=True, kw_only=True):
    """`by` wants the role `owner` to be asked instead."""

    at: datetime
    review_id: str
    owner: str
    by: str
    reason: str


class Cancelled(Struct, frozen=True, kw_only=True):
    """`by`, who may be of our `staff`, wants the saga to be undone, if that is still possible."""

    at: datetime
    by: str
    reason: str
    staff: bool = False


class Hurried(Struct, frozen=True, kw_only=True):
    """`by` wants what would happen to `step` when its time is over to happen now."""

    at: datetime
    step: str
    by: str
    reason: str


class Paused(Struct, frozen=True, kw_only=True):
    """`by` wants the saga to do nothing `until` then."""

    at: datetime
    until: datetime
    by: str
    reason: str


class Resumed(Struct, frozen=True, kw_only=True):
    """`by` wants the saga to go on, though its pause is not over."""

    at: datetime
    by: str
    reason: str


Input = Start | Answer | Wake | Chosen | Reassigned | Cancelled | Hurried | Paused | Resumed


def begin(
    saga: Saga, saga_id: SagaId, data: Any, at: datetime, parent: Parent | None = None
) -> State:
    """A saga that has not started: version 0, nothing sent, due at once."""
    return State(
        id=saga_id,
        saga=saga.name,
        saga_version=saga.version,
        version=0,
        started_at=at,
        data=data,
        status="running",
        heading="forward",
        steps=tuple(StepState(name=step.name) for step in saga.flat),
        review=None,
        reviews=0,
        wake_at=at,
        deadline=at + saga.deadline,
        parent=parent,
    )
