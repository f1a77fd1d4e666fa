"""What kinds of message there are: a command and its results, and events.

A *command* is an intent with one owner; its type lists the results it may have. A *result* is what
came of a command and is one of three kinds: the effect exists (`Succeeded`), it certainly does not
(`Failed`), or nobody can tell yet (`Unknown`). An *event* is a fact for whoever cares. A result
declared `public` is published as an event too.
"""

from dataclasses import dataclass
from functools import cache
from types import UnionType
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar, Union, get_args, get_origin

from contracts.messages.values import MessageId, snake


class Predecessor(NamedTuple):
    """An event that must have been applied before another: its class and its id."""

    kind: "type[Message]"
    id: MessageId


@dataclass(frozen=True, kw_only=True)
class Message:
    """Anything that travels. `version` counts incompatible shapes of one wire name; `wire_type` is
    the CloudEvents type of both."""

    version: ClassVar[int] = 1
    wire_type: ClassVar[str] = "concerto.Message.v1"

    @classmethod
    def wire_name(cls) -> str:
        """The stable name on the wire, e.g. `ReserveInventory`; never a class path."""
        return cls.__name__

    @classmethod
    @cache
    def words(cls) -> str:
        """The name as a person reads it: `reserve inventory`."""
        return snake(cls.__name__).replace("_", " ")

    def follows(self) -> Predecessor | None:
        """What whoever subscribed to both must have applied before this."""
        return None

    def __init_subclass__(cls, *, version: int = 1) -> None:
        super().__init_subclass__()
        cls.version = version
        cls.wire_type = f"concerto.{cls.wire_name()}.v{version}"


@dataclass(frozen=True, kw_only=True)
class Result(Message):
    """What came of a command; only its three subclasses are used."""

    public: ClassVar[bool] = False

    def __init_subclass__(cls, *, public: bool = False, version: int = 1) -> None:
        super().__init_subclass__(version=version)
        cls.public = public


@dataclass(frozen=True, kw_only=True)
class Succeeded(Result):
    """The effect exists."""


@dataclass(frozen=True, kw_only=True)
class Failed(Result):
    """The effect certainly does not exist."""


@dataclass(frozen=True, kw_only=True)
class Unknown(Result):
    """Nobody can tell yet whether the effect exists."""


@dataclass(frozen=True, kw_only=True)
class Event(Message):
    """A fact, published by the one service `by` to everyone who subscribed."""

    by: ClassVar[str] = ""

    def __init_subclass__(cls, *, by: str = "", version: int = 1) -> None:
        super().__init_subclass__(version=version)
        cls.by = by


R = TypeVar("R", bound=Result, covariant=True)


@dataclass(frozen=True, kw_only=True)
class Command(Message, Generic[R]):
    """An intent for the one service named by `to`.

    `effect=False` says that the command changes nothing that would have to be undone.
    """

    to: ClassVar[str] = ""
    effect: ClassVar[bool] = True

    def __init_subclass__(cls, *, to: str = "", effect: bool = True, version: int = 1) -> None:
        super().__init_subclass__(version=version)
        cls.to = to
        cls.effect = effect

    @classmethod
    def results(cls) -> tuple[type[Result], ...]:
        """The results this command may have, in the order its type lists them."""
        return _listed(cls)


def _listed(command: type[Command[Any]]) -> tuple[type[Result], ...]:
    for base in getattr(command, "__orig_bases__", ()):
        if get_origin(base) is Command:
            (listed,) = get_args(base)
            return get_args(listed) if get_origin(listed) in (Union, UnionType) else (listed,)
    return ()


def is_public(message: type[Message]) -> bool:
    """Whether this message is published: every event, and each result declared public."""
    return issubclass(message, Event) or (issubclass(message, Result) and message.public)
