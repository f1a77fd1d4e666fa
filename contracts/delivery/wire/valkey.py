"""Kombu's transport for Valkey and Redis, which survives garbage in the list."""

import base64
import json
from typing import Any, Literal
from uuid import uuid4

import msgspec
from kombu.transport import redis as kombu_redis


class Properties(msgspec.Struct):
    """What Kombu says of a message."""

    delivery_tag: str
    delivery_info: dict[str, Any]
    body_encoding: Literal["base64"]


class Published(msgspec.Struct):
    """A message as Kombu puts it into a list; bytes are base64 there."""

    body: bytes
    headers: dict[str, Any]
    properties: Properties


_published = msgspec.json.Decoder(Published)


class Channel(kombu_redis.Channel):
    """Kombu's channel; raw garbage becomes a message, which the worker then quarantines."""

    _commands: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:
            client = super()._create_client(asynchronous)
            client.set_response_callback("BRPOP", _guarded)
            return client
        if self._commands is None:  # Kombu would make one for every command it sends
            self._commands = super()._create_client(asynchronous)
        return self._commands

    def _disconnect_pools(self) -> None:
        self._commands = None
        super()._disconnect_pools()


class Transport(kombu_redis.Transport):
    """Kombu's transport with the guarded channel."""

    Channel = Channel


def _guarded(response: Any) -> Any:
    """What BRPOP answered, with anything that is no message of Kombu's wrapped into one."""
    if not response or _well_formed(response[1]):
        return response
    return [response[0], json.dumps(_wrapped(response[1])).encode()]


def _well_formed(item: bytes) -> bool:
    try:
        _published.decode(item)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True


def _wrapped(item: bytes) -> dict[str, Any]:
    return {
        "body": base64.b64encode(item).decode(),
        "content-type": "application/octet-stream",
        "content-encoding": "binary",
        "headers": {},
        "properties": {
            "delivery_tag": str(uuid4()),
            "delivery_info": {"exchange": "", "routing_key": ""},
            "body_encoding": "base64",
        },
    }
