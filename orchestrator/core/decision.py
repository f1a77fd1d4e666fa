"""What came of one input: the new state, what is to be sent and published, and who is asked."""

from typing import Any

from msgspec import Struct

from contracts.messages.base import Command, Event
from contracts.messages.values import MessageId
from orchestrator.core.state import Kind, Review, State


class Send(Struct, frozen=True, kw_only=True):
    """A command to be sent. The same `id` always carries the same command.

    `attempt` is the number in the id (for a query: the how manieth); `sending` counts how often
    this id has been sent since a person last had a say.
    """

    id: MessageId
    command: Command[Any]
    step: str
    kind: Kind
    attempt: int
    sending: int


class Decision(Struct, frozen=True, kw_only=True):
    """The new state and what follows from it; or `ignored`, the reason why nothing changed.

    `notes` say in plain words what happened, for the journal and the story.
    """

    state: State
    commands: tuple[Send, ...] = ()
    events: tuple[Event, ...] = ()
    reviews: tuple[Review, ...] = ()
    notes: tuple[str, ...] = ()
    ignored: str | None = None
