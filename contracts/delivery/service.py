"""What a service is: its name, and which function handles what. It knows no broker.

A handler takes a message and a session and returns a result; committing, retrying, deduplicating
and sending are done around it by `inbox.receive`. Whoever must reach the outside returns an
`Intent` instead: it is stored in the same transaction, *performed* outside any transaction, and
its outcome is *recorded* in a transaction of its own, which may give the result.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar, Literal, Protocol, TypeVar

from contracts.delivery.envelope import Envelope
from contracts.delivery.outside import Outside
from contracts.messages.base import Command, Event, Message, Result, is_public
from contracts.messages.catalogue import messages
from contracts.messages.trail import Receipt
from contracts.runtime.session import BatchSession

R = TypeVar("R", bound=Result)
E = TypeVar("E", bound=Event | Result)
I = TypeVar("I", bound="Intent")  # noqa: E741 - stands for an Intent


@dataclass(frozen=True, kw_only=True)
class Intent:
    """Something to be done outside, stored before it is done; its fields are its whole input.

    `key` is the idempotency key given to the outside; the id of the message that wanted it unless
    set. A performer may be run several times for one intent and must pass on that key. One that is
    not `kept` leaves no trace once it is done.
    """

    key: str = ""
    deadline_seconds: ClassVar[float] = 10.0
    at_once: ClassVar[int] = 32
    attempts: ClassVar[int] = 5
    kept: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class Done:
    """The outside did it; `data` is what must be remembered (JSON types)."""

    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Refused:
    """The outside certainly did not do it, and will not when asked again."""

    reason: str
    code: str = ""


@dataclass(frozen=True, kw_only=True)
class Unsure:
    """Nobody can tell whether the outside did it."""

    reason: str


Outcome = Done | Refused | Unsure
Rows = tuple[type[Any], Iterable[Any]]
Loads = Callable[[Sequence[Any]], Iterable[Rows]]
Because = Literal["duplicate", "stale", "preference", "nobody"]


@dataclass(frozen=True)
class Ignored:
    """The answer to an event that changes nothing here, and why: its effect is there already, under
    another id (duplicate), what came later came first (stale), whom it is for does not want it
    (preference), or there is nobody to tell."""

    because: Because
    detail: str

    @property
    def reason(self) -> str:
        """As the trail tells it."""
        return f"{self.because}: {self.detail}"


Answer = Result | Intent | Ignored | None


class Handler(Protocol):
    """Message in, result (or an intent, or why an event is ignored, or nothing) out."""

    def __call__(self, message: Any, session: BatchSession, /) -> Answer:
        """Decide and write on the session; never commit."""


@dataclass(frozen=True, kw_only=True)
class Retries:
    """What becomes of a message whose handler fails: it is tried again alone, at intervals that
    double from `first` to `longest` (scaled), `attempts` times in all; then it is a dead letter."""

    attempts: int = 8
    first: timedelta = timedelta(seconds=2)
    longest: timedelta = timedelta(minutes=5)

    def after(self, failures: int) -> timedelta:
        """How long to wait after so many failures, one at least."""
        return min(self.first * 2.0 ** (failures - 1), self.longest)

    def as_json(self) -> dict[str, Any]:
        """What a person is told of it."""
        return {
            "attempts": self.attempts,
            "first_retry_seconds": self.first.total_seconds(),
            "longest_retry_seconds": self.longest.total_seconds(),
            "then": "dead letter",
        }


@dataclass(frozen=True)
class Handling:
    """How one message type is handled: the function, and the rows to lock and load before it.

    `loads` maps the messages of a batch to (mapped class, primary keys); those rows are locked in
    order of table and key and are then in the session (`session.get` costs no query). Of a
    reaction, `then` is what it publishes `within` a time, `undoes` the event whose effect here it
    takes back.
    """

    handler: Handler
    loads: Loads | None = None
    then: type[Event] | None = None
    within: timedelta | None = None
    undoes: type[Message] | None = None


@dataclass(frozen=True)
class Performing:
    """How one intent type is performed, and how its outcome is recorded."""

    perform: Callable[[Any, Outside], Awaitable[Outcome]]
    record: Callable[[Any, Outcome, BatchSession], Answer] | None = None
    loads: Loads | None = None


@dataclass(frozen=True)
class Chore:
    """Work of a service that falls due by itself: expiring holds, clearing what nobody claims.

    It runs in a transaction of its own. What it wants sent after the commit it appends as
    (service, envelope) to `session.info["send"]`; what it wants done outside it `want`s (`turn`).
    """

    run: Callable[[BatchSession], int]
    every: timedelta


@dataclass
class Service:
    """A service by name, and what it handles, performs and does by itself.

    `retries` says what becomes of what it cannot handle; `decides_in` is the table whose key
    refuses a decision that another worker has taken.
    """

    name: str
    retries: Retries = Retries()
    handled: dict[type[Message], Handling] = field(default_factory=dict)
    performed: dict[type[Intent], Performing] = field(default_factory=dict)
    chores: list[Chore] = field(default_factory=list)
    logs: Callable[[Sequence[Envelope], BatchSession], None] | None = None
    receives_receipts: Callable[[Sequence[Receipt], BatchSession], None] | None = None
    resumes: Callable[[Sequence[Envelope], BatchSession], None] | None = None
    decides_in: str = ""

    def handles(
        self, command: type[Command[R]], *, loads: Loads | None = None
    ) -> Callable[[Callable[[Any, BatchSession], R | Intent | None]], Handler]:
        """Register the one handler of `command`; returning a result it does not list is an error.

        `None` means that the result comes later, from `records`.
        """

        def register(handler: Callable[[Any, BatchSession], R | Intent | None]) -> Handler:
            self._add(command, Handling(handler, loads))
            return handler

        return register

    def on(
        self,
        event: type[E],
        *,
        loads: Loads | None = None,
        then: type[Event] | None = None,
        within: timedelta | None = None,
        undoes: type[Message] | None = None,
    ) -> Callable[[Callable[[E, BatchSession], Intent | Ignored | None]], Handler]:
        """Subscribe to `event` (an event or a public result).

        `then` is what this reaction owes the world `within` a time: only that may it publish, and
        its absence is visible. It takes back what this service did on the event it `undoes`.
        """
        if not is_public(event):
            raise NotPublic(event)

        def register(handler: Callable[[E, BatchSession], Intent | Ignored | None]) -> Handler:
            self._add(event, Handling(handler, loads, then, within, undoes))
            return handler

        return register

    def performs(
        self,
        intent: type[I],
        *,
        record: Callable[[I, Outcome, BatchSession], Answer] | None = None,
        loads: Loads | None = None,
    ) -> Callable[[Callable[[I, Outside], Awaitable[Outcome]]], Callable[..., Any]]:
        """Register the async function that does `intent` outside, and what records its outcome.

        `loads` maps the intents recorded together to rows, as in `handles`. Without `record`, Done
        is applied; Refused and Unsure (after the attempts) are dead letters.
        """

        def register(perform: Callable[[I, Outside], Awaitable[Outcome]]) -> Callable[..., Any]:
            self.performed[intent] = Performing(perform, record, loads)
            return perform

        return register

    def chore(
        self, every: timedelta
    ) -> Callable[[Callable[[BatchSession], int]], Callable[..., int]]:
        """Register work that falls due by itself; it returns how many things it did."""

        def register(run: Callable[[BatchSession], int]) -> Callable[..., int]:
            self.chores.append(Chore(run, every))
            return run

        return register

    def everything(
        self, log: Callable[[Sequence[Envelope], BatchSession], None]
    ) -> Callable[[Sequence[Envelope], BatchSession], None]:
        """Subscribe to every event there is; `log` takes a whole batch and must be idempotent."""
        self.logs = log
        return log

    def receipts(
        self, take: Callable[[Sequence[Receipt], BatchSession], None]
    ) -> Callable[[Sequence[Receipt], BatchSession], None]:
        """Register what takes the receipts of all subscribers, a batch at a time, idempotent."""
        self.receives_receipts = take
        return take

    def answers(
        self, resume: Callable[[Sequence[Envelope], BatchSession], None]
    ) -> Callable[[Sequence[Envelope], BatchSession], None]:
        """Register what takes the results of commands this service sent, a batch at a time."""
        self.resumes = resume
        return resume

    def subscriptions(self) -> tuple[type[Message], ...]:
        """The events and public results this service subscribed to."""
        if self.logs:
            return tuple(m for m in messages().values() if is_public(m))
        return tuple(m for m in self.handled if is_public(m) and not issubclass(m, Command))

    def _add(self, message: type[Message], handling: Handling) -> None:
        if message in self.handled:
            raise HandledTwice(self.name, message)
        self.handled[message] = handling


class HandledTwice(TypeError):
    """A message type has one handler in a service."""

    def __init__(self, service: str, message: type[Message]) -> None:
        super().__init__(f"{service} handles {message.__name__} already")


class NotPublic(TypeError):
    """Only events and results declared public are published, so only those can be subscribed to."""

    def __init__(self, message: type[Message]) -> None:
        super().__init__(f"{message.__name__} is not published; declare it public=True")
