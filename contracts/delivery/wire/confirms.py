"""Publisher confirms of RabbitMQ, many at once: publish all, then wait for the last.

One by one, each publish costs a round trip and a write to disk. Confirms are matched by tag: the
channel counts its publishes from one, and an acknowledgement may cover all up to its tag.
"""

from time import monotonic
from typing import Any

from kombu import Connection


class Unconfirmed(RuntimeError):
    """The broker refused a message, or did not confirm it in time."""


class Unroutable(RuntimeError):
    """There is an exchange, but no queue behind it: the topology is not as it was declared."""


class Confirms:
    """What was published on one channel and is not yet confirmed."""

    def __init__(self, connection: Connection, channel: Any, seconds: float) -> None:
        self._connection, self._seconds = connection, seconds
        self._published = 0
        self._open: set[int] = set()
        self._refused: Exception | None = None
        channel.events["basic_ack"].add(self._acked)
        channel.events["basic_nack"].add(self._nacked)
        channel.events["basic_return"].add(self._returned)
        channel.confirm_select()

    def wait(self, count: int) -> None:
        """Wait until the `count` messages just published are with the broker, or raise."""
        first = self._published + 1
        self._published += count
        self._open.update(range(first, self._published + 1))
        until = monotonic() + self._seconds
        while self._open:
            try:
                self._connection.drain_events(timeout=max(until - monotonic(), 0.001))
            except TimeoutError:
                raise Unconfirmed(
                    f"{len(self._open)} messages not confirmed in {self._seconds:g} s"
                ) from None
        refused, self._refused = self._refused, None
        if refused:
            raise refused

    def _acked(self, tag: int, multiple: bool) -> None:
        self._settle(tag, multiple)

    def _nacked(self, tag: int, multiple: bool) -> None:
        self._refused = Unconfirmed("the broker refused a message: is its queue full?")
        self._settle(tag, multiple)

    def _returned(self, error: Any, exchange: str, routing_key: str, message: Any) -> None:
        self._refused = Unroutable(f"no queue behind {exchange}: run concerto topology apply")

    def _settle(self, tag: int, multiple: bool) -> None:
        if multiple:
            self._open = {other for other in self._open if other > tag}
        else:
            self._open.discard(tag)
