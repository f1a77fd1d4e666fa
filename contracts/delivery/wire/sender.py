"""Publishes batches: to a service's queue, or to every subscriber of an event."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from kombu import Connection

from contracts.delivery.envelope import Envelope, encoded
from contracts.delivery.wire import brokers
from contracts.delivery.wire.confirms import Confirms, Done, Unroutable
from contracts.messages.catalogue import CONTENT_TYPE, joined
from contracts.runtime.crash import passing
from contracts.runtime.settings import Settings


class Sender:
    """Publishes over one connection, from any thread."""

    def __init__(self, config: Settings) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._channel: Channel | None = None

    def send(self, outgoing: Mapping[str, Sequence[Envelope]], done: Done | None = None, /) -> None:
        """Put messages where they are to go, by the name of a service or the type of an event.

        `done` is called once the broker has them all: at once, or where it confirms (RabbitMQ)
        with a later `send` or `settle`. Raises what the broker raises, also about what was sent
        before. A broken connection (a broker that was restarted) is tried once more with a new
        one, under the same ids.
        """
        said: dict[int, bytes] = {}  # an event goes to many, and is written once
        parts = [
            (to, body)
            for to, envelopes in outgoing.items()
            for body in bodies(envelopes, self._config, said)
        ]
        with self._lock:
            try:
                self._publish(parts, done)
            except Unroutable:
                raise
            except Exception:
                self._publish(parts, done)
        passing("published-before-confirm")

    def settle(self) -> None:
        """Hear what the broker says of what was sent; raises if it refused or lost some of it."""
        with self._lock:
            if self._channel:
                try:
                    self._channel.settle()
                except Exception:
                    self._drop()
                    raise

    def _publish(self, parts: Sequence[tuple[str, bytes]], done: Done | None) -> None:
        try:
            self._channel = self._channel or Channel(self._config)
            self._channel.publish(parts, done)
        except Exception:
            # After any publish error nobody knows what the channel still holds: take a new one.
            self._drop()
            raise

    def _drop(self) -> None:
        channel, self._channel = self._channel, None
        if channel:
            channel.close()


class Channel:
    """A connection with what is needed to publish on it, confirmed where the broker does that."""

    def __init__(self, config: Settings) -> None:
        self._connection: Connection = brokers.connection(config)
        channel = self._connection.channel()
        self._producer: Any = self._connection.Producer(channel, auto_declare=False)
        self._confirms: Confirms | None = None
        if config.broker_fans_out:
            self._confirms = Confirms(self._connection, channel, config.publish_seconds)

    def publish(self, parts: Sequence[tuple[str, bytes]], done: Done | None) -> None:
        """Publish each body to its destination; `done` once the broker has them all."""
        for to, body in parts:
            self._producer.publish(
                body,
                **self._route(to),
                content_type=CONTENT_TYPE,
                content_encoding="utf-8",
                delivery_mode="persistent",
            )
        if self._confirms:
            self._confirms.published(len(parts), done)
        elif done:
            done()

    def settle(self) -> None:
        """Take the confirms that have come."""
        if self._confirms:
            self._confirms.collect(wait=False)

    def close(self) -> None:
        """Give the connection back, whatever state it is in."""
        with suppress(Exception):
            self._connection.release()

    def _route(self, to: str) -> dict[str, Any]:
        if not self._confirms:
            return {"exchange": "", "routing_key": to}
        stream = "." in to
        exchange = to if stream else brokers.RECEIVER.format(to)
        return {"exchange": exchange, "routing_key": to, "mandatory": True}


def bodies(
    envelopes: Sequence[Envelope], config: Settings, said: dict[int, bytes]
) -> Iterator[bytes]:
    """The envelopes as batches within the limits of messages and bytes; `said` keeps each one."""
    parts: list[bytes] = []
    size = 0
    for envelope in envelopes:
        part = said.get(id(envelope)) or said.setdefault(id(envelope), encoded(envelope))
        if parts and (len(parts) == config.batch_messages or size + len(part) > config.batch_bytes):
            yield joined(parts)
            parts, size = [], 0
        parts.append(part)
        size += len(part)
    if parts:
        yield joined(parts)
