"""Every message by its wire name and version, and its one JSON form.

On the wire a message is a CloudEvents 1.0 object (JSON event format) whose `type` is
`concerto.<Name>.v<version>`; a batch is a JSON array of them. Fields nobody here knows are ignored,
so that a newer sender may add some.
"""

from collections.abc import Iterable
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import msgspec

from contracts.messages.base import Command, Event, Failed, Message, Result, Succeeded, Unknown

CONTENT_TYPE = "application/cloudevents-batch+json"
HERE = "contracts.messages"
KINDS: tuple[type[Message], ...] = (Message, Command, Result, Succeeded, Failed, Unknown, Event)


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
    for found_there in iter_modules(import_module(HERE).__path__):
        module = import_module(f"{HERE}.{found_there.name}")
        for value in vars(module).values():
            if _is_message(value) and value.__module__ == module.__name__:
                found[type_of(value)] = value
    return found


def add(*more: type[Message]) -> None:
    """Make messages known that no module of this package declares (a benchmark's)."""
    messages().update({type_of(message): message for message in more})


def type_of(message: type[Message]) -> str:
    """The CloudEvents `type` of a message class."""
    return message.wire_type


def class_of(kind: str) -> type[Message]:
    """The message class of a CloudEvents `type`; `UnknownMessage` when there is none."""
    try:
        return messages()[kind]
    except KeyError:
        raise UnknownMessage(kind) from None


def message_of(kind: str, data: Any) -> Message:
    """The message of a CloudEvents `type` and `data`; `UnknownMessage` or `Misshapen`.

    `data` is in JSON types, or JSON that was not read yet.
    """
    message: Message = read(class_of(kind), data)
    return message


def read(message: Any, data: Any) -> Any:
    """An instance of `message` (an intent, a value) out of JSON types or of raw JSON.

    Raises `Misshapen` when it does not fit.
    """
    try:
        if isinstance(data, msgspec.Raw):
            return _decoder(message).decode(data)
        return msgspec.convert(data, message)
    except (msgspec.ValidationError, RecursionError) as error:
        raise Misshapen(f"{message.__name__}: {error}") from None


@cache
def _decoder(message: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(message)


def packed(message: Message) -> dict[str, Any]:
    """A message as it is stored: its type and itself, which the encoder of JSON writes."""
    return {"type": type_of(type(message)), "data": message}


def unpacked(stored: dict[str, Any]) -> Message:
    """The message out of what `packed` made."""
    return message_of(stored["type"], stored["data"])


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of every message's data, by type on the wire."""
    return {kind: _schema(message) for kind, message in sorted(messages().items())}


def _schema(message: type[Message]) -> dict[str, Any]:
    _, parts = msgspec.json.schema_components([message], ref_template="#/$defs/{name}")
    return {**parts.pop(message.__name__), "$defs": parts}


def shapes(kinds: Iterable[type[Any]], under: str) -> dict[str, Any]:
    """The JSON Schema of these and of what they are made of, by name, which refer to each other
    as parts of the document at `under`. Patterns are those of ECMAScript, whose `$` is Python's
    `\\Z`."""
    _, parts = msgspec.json.schema_components(kinds, ref_template=f"{under}/{{name}}")
    everywhere: dict[str, Any] = msgspec.json.decode(
        msgspec.json.encode(parts).replace(rb"\\Z", b"$")
    )
    return everywhere


def joined(parts: Iterable[bytes]) -> bytes:
    """One JSON array out of its encoded members."""
    return b"[" + b",".join(parts) + b"]"


def json_object(head: dict[str, Any], message: Message) -> bytes:
    """A JSON object of `head` and, under `data`, the message."""
    return msgspec.json.encode({**head, "data": message})


def parsed(body: bytes | str) -> list[msgspec.Raw]:
    """The members of a JSON array, not read yet; `Misshapen` when the body is not one."""
    try:
        return _members.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Misshapen(f"not JSON, or no array: {error}") from None


_members = msgspec.json.Decoder(list[msgspec.Raw])


def _is_message(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Message) and value not in KINDS
