"""Publisher confirms of RabbitMQ, many under way at once, matched by tag.

One by one, each publish costs a round trip and a write to the disk of every replica. Here
publishing goes on, and whoever must know (the relay, which marks events as sent) is told when the
broker has it. The channel counts its publishes from one; an acknowledgement may cover all up to its
tag.
"""

from collections.abc import Callable
from time import monotonic
from typing import Any

from kombu import Connection

WINDOW = 500
Done = Callable[[], None]


class Unconfirmed(RuntimeError):
    """The broker refused a message, or did not confirm it in time."""


class Unroutable(RuntimeError):
    """There is an exchange, but no queue behind it: the topology is not as it was declared."""


class Confirms:
    """What was published on one channel and is not yet confirmed."""

    def __init__(self, connection: Connection, channel: Any, seconds: float) -> None:
        self._connection, self._seconds = connection, seconds
        self._published = 0
        self._open: dict[int, float] = {}  # tag -> until when it must be confirmed
        self._done: dict[int, Done] = {}  # by the last tag of what was published together
        self._refused: Exception | None = None
        channel.events["basic_ack"].add(self._settled)
        channel.events["basic_nack"].add(self._nacked)
        channel.events["basic_return"].add(self._returned)
        channel.confirm_select()

    def published(self, count: int, done: Done | None) -> None:
        """Expect confirms of the `count` messages just published; `done` once all before are."""
        until = monotonic() + self._seconds
        for _ in range(count):
            self._published += 1
            self._open[self._published] = until
        if done:
            self._done[self._published] = done
        self.collect(most=WINDOW)

    def collect(self, most: int = 0, wait: bool = True) -> None:
        """Take the confirms that are there; wait while more than `most` are still to come."""
        while True:
            late = wait and len(self._open) > most
            left = min(self._open.values(), default=0.0) - monotonic()
            try:
                self._connection.drain_events(timeout=max(left, 0.001) if late else 0.0001)
            except TimeoutError:
                if self._open and left <= 0:
                    lacking = f"{len(self._open)} messages not confirmed in {self._seconds:g} s"
                    raise Unconfirmed(lacking) from None
                if not late:
                    break
        if self._refused:
            raise self._refused

    def _settled(self, tag: int, multiple: bool) -> None:
        for settled in [each for each in self._open if each <= tag] if multiple else [tag]:
            self._open.pop(settled, None)
        oldest = min(self._open, default=self._published + 1)
        for last in [each for each in self._done if each < oldest]:
            done = self._done.pop(last)
            if not self._refused:
                done()

    def _nacked(self, tag: int, multiple: bool) -> None:
        self._refused = Unconfirmed("the broker refused a message: is its queue full?")
        self._settled(tag, multiple)

    def _returned(self, error: Any, exchange: str, routing_key: str, message: Any) -> None:
        self._refused = Unroutable(f"no queue behind {exchange}: run concerto topology apply")
