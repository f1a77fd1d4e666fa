"""The events as an AsyncAPI 3.0 document, for whoever subscribes in another language.

Each event stream is a channel: a durable fanout exchange on RabbitMQ, which the platform sends to.
What travels is a CloudEvents 1.0 batch in JSON; a subscriber from outside is made known with
`concerto topology apply --subscribe NAME=EVENT`, and has a durable queue of its own.
"""

from typing import Any

from contracts.delivery.envelope import Attributes
from contracts.messages.base import Event, Message, is_public
from contracts.messages.catalogue import CONTENT_TYPE, messages, shapes

VERSION = "3.0.0"
SCHEMAS = "#/components/schemas"
ATTRIBUTES = Attributes.__name__
TITLE = "Concerto's events"
DESCRIPTION = (
    "Every event and public result of the platform. At least once on the wire: apply each `id` "
    "once. Order is kept for one `subject` as far as `follows` says: apply an event only after the "
    "one it follows."
)


def document() -> dict[str, Any]:
    """The whole document, in JSON types; generated from the message catalogue."""
    events = {kind: each for kind, each in sorted(messages().items()) if is_public(each)}
    return {
        "asyncapi": VERSION,
        "info": {"title": TITLE, "version": "1", "description": DESCRIPTION},
        "defaultContentType": CONTENT_TYPE,
        "channels": {kind: _channel(kind, message) for kind, message in events.items()},
        "operations": {kind: _operation(kind) for kind in events},
        "components": {
            "messages": {kind: _message(kind, message) for kind, message in events.items()},
            "schemas": shapes((Attributes, *events.values()), SCHEMAS),
        },
    }


def _channel(kind: str, message: type[Message]) -> dict[str, Any]:
    exchange = {"name": kind, "type": "fanout", "durable": True, "autoDelete": False}
    return {
        "address": kind,
        "title": message.words(),
        "messages": {kind: {"$ref": f"#/components/messages/{kind}"}},
        "bindings": {"amqp": {"is": "routingKey", "exchange": exchange}},
    }


def _operation(kind: str) -> dict[str, Any]:
    channel = f"#/channels/{kind}"
    return {
        "action": "send",
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{kind}"}],
    }


def _message(kind: str, message: type[Message]) -> dict[str, Any]:
    data = {"$ref": f"{SCHEMAS}/{message.__name__}"}
    event = {
        "allOf": [
            {"$ref": f"{SCHEMAS}/{ATTRIBUTES}"},
            {
                "type": "object",
                "properties": {"type": {"const": kind}, "data": data},
                "required": ["type", "data"],
            },
        ]
    }
    by = f"By {message.by}." if issubclass(message, Event) else "By the service that did it."
    said = (message.__doc__ or "").strip().splitlines()[0]
    return {
        "name": kind,
        "title": message.words(),
        "summary": f"{said} {by}",
        "contentType": CONTENT_TYPE,
        "payload": {"type": "array", "items": event},
    }
