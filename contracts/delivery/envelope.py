"""What surrounds a message on its way: CloudEvents 1.0 attributes and what caused it.

A batch on the wire is a JSON array of CloudEvents (content type
`application/cloudevents-batch+json`); `saga`, `cause`, `follows` and `traceparent` are extensions.
`encode` and `decode` are the catalogue's; this is the shape alone.
"""

from dataclasses import dataclass
from datetime import datetime

from contracts.messages.base import Message
from contracts.messages.values import MessageId, SagaId


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
