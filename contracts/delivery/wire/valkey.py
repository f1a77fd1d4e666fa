"""Kombu's transport for Valkey and Redis, which survives garbage in the list."""

import base64
import binascii
import json
from typing import Any
from uuid import uuid4

from kombu.transport import redis as kombu_redis
from pydantic_core import from_json


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
        message = from_json(item)
        properties = message["properties"]
        binascii.a2b_base64(message["body"], strict_mode=True)
        return (
            isinstance(properties["delivery_tag"], str)
            and isinstance(properties["delivery_info"], dict)
            and properties.get("body_encoding") == "base64"
            and isinstance(message.get("headers"), dict)
        )
    except (ValueError, TypeError, KeyError, IndexError):
        return False


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
