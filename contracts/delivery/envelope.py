"""What surrounds a message on its way: CloudEvents 1.0 attributes and what caused it.

A batch on the wire is a JSON array of CloudEvents (content type
`application/cloudevents-batch+json`); `saga`, `cause`, `follows`, `again` and `traceparent` are
extensions.
What it carries is read and written by the catalogue.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from contracts.messages.base import Message
from contracts.messages.catalogue import (
    Misshapen,
    json_object,
    message_of,
    read,
    type_of,
)
from contracts.messages.values import MessageId, SagaId
from contracts.runtime.tracing import trace_of

SOURCE = "/concerto/"
_IDS = ("saga", "cause", "follows")
_UUID = msgspec.Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
REGEX = "matching regex"
Uuid = Annotated[MessageId, _UUID]
SagaUuid = Annotated[SagaId, _UUID]
Time = Annotated[datetime, msgspec.Meta(tz=True)]


class Attributes(msgspec.Struct, kw_only=True):
    """The CloudEvents attributes of an envelope, as they are read."""

    specversion: Literal["1.0"]
    id: Uuid
    source: str
    type: str
    time: Time
    subject: str
    saga: SagaUuid | None = None
    cause: Uuid | None = None
    follows: Uuid | None = None
    traceparent: str | None = None
    again: bool = False


A = TypeVar("A", bound=Attributes)


class CloudEvent(Attributes, kw_only=True):
    """The attributes and, not read yet, the data."""

    data: msgspec.Raw


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """A message with its identity.

    `source` is the service that said it (results go back there), `subject` what it is about (an
    order or customer id), `cause` the id of the message that made someone say it; for a result
    that is the command it answers. An event with `follows` is applied only after that event.
    `again` says that it may have been delivered before.
    """

    id: MessageId
    message: Message
    source: str
    at: datetime
    subject: str
    saga: SagaId | None = None
    cause: MessageId | None = None
    follows: MessageId | None = None
    trace: str | None = None
    again: bool = False

    def ids(self) -> dict[str, str]:
        """What a log line says of it; `trace` finds its spans."""
        said = {"subject": self.subject, "message": self.id, "type": type(self.message).__name__}
        trace = {"trace": f"{trace_of(self.subject):032x}"} if self.subject else {}
        return {**said, **({"saga": self.saga} if self.saga else {}), **trace}


def encoded(envelope: Envelope) -> bytes:
    """The envelope as one CloudEvents JSON object."""
    head = _head(envelope)
    if envelope.again:
        head["again"] = True
    return json_object(head, envelope.message)


def repeated(envelope: Envelope) -> Envelope:
    """The envelope as one that may have been delivered before."""
    return replace(envelope, again=True)


def stored(envelope: Envelope) -> dict[str, Any]:
    """The envelope as tables keep it; the encoder of JSON writes the message."""
    return {**_head(envelope), "data": envelope.message}


def read_envelope(event: Any) -> Envelope:
    """The envelope out of what `stored` made; `Misshapen` or `UnknownMessage` say what is wrong."""
    return _envelope(_attributes(Attributes, event), event.get("data"))


def received(event: msgspec.Raw) -> Envelope:
    """The envelope of one CloudEvents object in JSON; `Misshapen` or `UnknownMessage`."""
    attributes = _attributes(CloudEvent, event)
    return _envelope(attributes, attributes.data)


def _attributes(kind: type[A], event: Any) -> A:
    """The attributes of an event, or what is wrong with them in words that a person reads."""
    try:
        found: A = read(kind, event)
    except Misshapen as error:
        said = str(error)
        ids = REGEX in said  # only ids have a pattern
        wrong = f"{said.rpartition(' ')[2]} is no UUID" if ids else said
        raise Misshapen(f"not a CloudEvents object: {wrong}") from None
    return found


def _envelope(head: Attributes, data: Any) -> Envelope:
    return Envelope(
        id=head.id,
        message=message_of(head.type, data),
        source=head.source.removeprefix(SOURCE),
        at=head.time,
        subject=head.subject,
        saga=head.saga,
        cause=head.cause,
        follows=head.follows,
        trace=head.traceparent,
        again=head.again,
    )


def _head(envelope: Envelope) -> dict[str, Any]:
    head = {
        "specversion": "1.0",
        "id": envelope.id,
        "source": SOURCE + envelope.source,
        "type": type_of(type(envelope.message)),
        "time": envelope.at.isoformat(),
        "subject": envelope.subject,
    }
    for name in _IDS:
        if value := getattr(envelope, name):
            head[name] = value
    if envelope.trace:
        head["traceparent"] = envelope.trace
    return head
