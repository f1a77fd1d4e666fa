"""What surrounds a message on its way: CloudEvents 1.0 attributes and what caused it.

A batch on the wire is a JSON array of CloudEvents (content type
`application/cloudevents-batch+json`); `saga`, `cause`, `follows` and `traceparent` are extensions.
What it carries is read and written by the catalogue.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.messages.base import Message
from contracts.messages.catalogue import (
    Misshapen,
    data_of,
    joined,
    json_object,
    message_of,
    type_of,
)
from contracts.messages.values import MessageId, SagaId

SOURCE = "/concerto/"
_IDS = ("saga", "cause", "follows")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """A message with its identity.

    `source` is the service that said it (results go back there), `subject` what it is about (an
    order or customer id), `cause` the id of the message that made someone say it; for a result
    that is the command it answers. An event with `follows` is applied only after that event.
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


def encoded(envelope: Envelope) -> bytes:
    """The envelope as one CloudEvents JSON object."""
    return json_object(_head(envelope), envelope.message)


def encoded_batch(envelopes: Iterable[Envelope]) -> bytes:
    """The envelopes as one CloudEvents JSON batch."""
    return joined(encoded(envelope) for envelope in envelopes)


def stored(envelope: Envelope) -> dict[str, Any]:
    """The envelope as JSON types, as tables keep it."""
    return {**_head(envelope), "data": data_of(envelope.message)}


def read_envelope(event: Any) -> Envelope:
    """The envelope of one CloudEvents object in JSON types; `ValueError` says what is wrong."""
    if not isinstance(event, dict):
        raise Misshapen("not a CloudEvents object")
    for name in ("id", "source", "type", "time", "subject"):
        if not isinstance(event.get(name), str):
            raise Misshapen(f"the CloudEvents attribute {name} is missing or no text")
    if event.get("specversion") != "1.0":
        raise Misshapen("specversion is not 1.0")
    return Envelope(
        id=MessageId(_uuid("id", event["id"])),
        message=message_of(event["type"], event.get("data")),
        source=event["source"].removeprefix(SOURCE),
        at=_time(event["time"]),
        subject=event["subject"],
        **{name: _uuid(name, event[name]) for name in _IDS if event.get(name)},
        trace=event.get("traceparent"),
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


def _uuid(name: str, value: Any) -> Any:
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise Misshapen(f"the CloudEvents attribute {name} is no UUID")
    return value


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise Misshapen("the CloudEvents attribute time is not RFC 3339") from None
    if time.tzinfo is None:
        raise Misshapen("the CloudEvents attribute time has no offset")
    return time
