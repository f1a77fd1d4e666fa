"""Every message by its wire name and version, and its one JSON form.

On the wire a message is a CloudEvents 1.0 object (JSON event format) whose `type` is
`concerto.<Name>.v<version>`; a batch is a JSON array of them. Fields nobody here knows are ignored,
so that a newer sender may add some.
"""

import json
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from typing import Any

import pydantic_core
from pydantic import TypeAdapter, ValidationError

from contracts.messages.base import Command, Event, Failed, Message, Result, Succeeded, Unknown

CONTENT_TYPE = "application/cloudevents-batch+json"
MODULES = ("inventory", "orders", "payments", "reviews", "shipping", "trail", "users")
_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}
KINDS: tuple[type[Message], ...] = (Command, Result, Succeeded, Failed, Unknown, Event)


class UnknownMessage(ValueError):
    """Nobody here knows a message of that name and version."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"no message {kind!r} in the catalogue")


class Misshapen(ValueError):
    """The message's data does not have the shape its type declares."""


@cache
def messages() -> dict[str, type[Message]]:
    """Every message class by its type on the wire, e.g. `concerto.OrderConfirmed.v1`."""
    found: dict[str, type[Message]] = {}
    for name in MODULES:
        module = import_module(f"contracts.messages.{name}")
        for value in vars(module).values():
            if _is_message(value) and value.__module__ == module.__name__:
                found[type_of(value)] = value
    return found


def add(*more: type[Message]) -> None:
    """Make messages known that no module of this package declares (a benchmark's)."""
    messages().update({type_of(message): message for message in more})


def type_of(message: type[Message]) -> str:
    """The CloudEvents `type` of a message class."""
    return f"concerto.{message.wire_name()}.v{message.version}"


def class_of(kind: str) -> type[Message]:
    """The message class of a CloudEvents `type`; `UnknownMessage` when there is none."""
    try:
        return messages()[kind]
    except KeyError:
        raise UnknownMessage(kind) from None


def adapter(message: Any) -> TypeAdapter[Any]:
    """Reads and writes one class (a message, an intent, a value) as JSON."""
    if message not in _ADAPTERS:
        _ADAPTERS[message] = TypeAdapter(message)
    return _ADAPTERS[message]


def data_of(message: Any) -> dict[str, Any]:
    """The message as JSON types."""
    data: dict[str, Any] = adapter(type(message)).dump_python(message, mode="json")
    return data


def message_of(kind: str, data: Any) -> Message:
    """The message of a CloudEvents `type` and `data`; `UnknownMessage` or `Misshapen`."""
    message: Message = read(class_of(kind), data)
    return message


def read(message: type[Any], data: Any) -> Any:
    """An instance of `message` out of JSON types; `Misshapen` when they do not fit."""
    try:
        return adapter(message).validate_python(data)
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in wrong["loc"])
        raise Misshapen(f"{message.__name__}: {place}: {wrong['msg']}") from None


def packed(message: Message) -> dict[str, Any]:
    """A message as it is stored: its type and its data."""
    return {"type": type_of(type(message)), "data": data_of(message)}


def unpacked(stored: dict[str, Any]) -> Message:
    """The message out of what `packed` made."""
    return message_of(stored["type"], stored["data"])


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of every message's data, by type on the wire."""
    return {kind: adapter(message).json_schema() for kind, message in sorted(messages().items())}


def joined(parts: Iterable[bytes]) -> bytes:
    """One JSON array out of its encoded members."""
    return b"[" + b",".join(parts) + b"]"


def json_object(head: dict[str, Any], message: Message) -> bytes:
    """A JSON object of `head` and, under `data`, the message; written without a detour."""
    data = adapter(type(message)).dump_json(message)
    return json.dumps(head, separators=(",", ":")).encode()[:-1] + b',"data":' + data + b"}"


def parsed(body: bytes | str) -> Any:
    """JSON types out of a body; `Misshapen` when it is not JSON or nested too deep."""
    try:
        return pydantic_core.from_json(body)
    except ValueError as error:
        raise Misshapen(f"not JSON: {error}") from None


def _is_message(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Message) and value not in KINDS
