"""Where availability is kept: in Valkey (or Redis) where it is the broker, else in this process.

Each SKU has a turn, which changes when it is forgotten. Who misses reads the turn before it asks
the source, and keeps the answer under that turn: an answer from before the change is not found
after it. What is kept in this process is not told what others forget, so it is kept for less long.
"""

import itertools
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple, Protocol

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

KEPT_SECONDS = 30
KEPT_HERE_SECONDS = 5
KEPT_HERE_SKUS = 10_000
PATIENCE_SECONDS = 0.25
AWAY_SECONDS = 1.0
log = structlog.get_logger()
Clock = Callable[[], float]


class Away(Exception):
    """The cache cannot be reached; the source has to be asked."""


class Found(NamedTuple):
    """What is kept of a SKU: units and since when (seconds since 1970), if any; and its turn."""

    turn: int
    units: int | None = None
    since: float = 0.0


class Kept(Protocol):
    """A cache of units by SKU."""

    seconds: int

    def look(self, sku: str) -> Found:
        """What is kept; raises `Away`."""

    def keep(self, sku: str, turn: int, units: int) -> None:
        """Keep what the source said after `turn` was looked up; it is not kept when away."""

    def forget(self, skus: Iterable[str]) -> None:
        """What is kept of these SKUs is not true any more; lost when away, but for its age."""


@cache
def kept_at(broker_url: str) -> Kept:
    """The cache that this deployment has, one a process."""
    if broker_url.startswith(("redis://", "rediss://")):
        return InValkey(broker_url)
    return Here()


class InValkey:
    """A cache that all processes share. After a failure it is left alone for a second."""

    seconds = KEPT_SECONDS

    def __init__(self, url: str, now: Clock = time.time) -> None:
        self._client: Any = redis.Redis.from_url(
            url,
            socket_timeout=PATIENCE_SECONDS,
            socket_connect_timeout=PATIENCE_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._now, self._away_until = now, 0.0

    def look(self, sku: str) -> Found:
        """What is kept under the turn that counts now."""
        turn, value = self._tried(lambda: self._client.mget(_turn(sku), _value(sku)))
        counts = int(turn or 0)
        if value is None:
            return Found(counts)
        of_turn, units, since = value.split()
        return Found(counts, int(units), float(since)) if int(of_turn) == counts else Found(counts)

    def keep(self, sku: str, turn: int, units: int) -> None:
        """Keep it for its time."""
        said = f"{turn} {units} {self._now():.3f}"
        with suppress(Away):
            self._tried(lambda: self._client.set(_value(sku), said, ex=self.seconds))

    def forget(self, skus: Iterable[str]) -> None:
        """Begin a new turn of each, which is remembered for longer than anything is kept."""
        calls = self._client.pipeline(transaction=False)
        for sku in sorted(skus):
            calls.incr(_turn(sku))
            calls.expire(_turn(sku), 4 * self.seconds)
        with suppress(Away):
            self._tried(calls.execute)

    def _tried(self, call: Callable[[], Any]) -> Any:
        if self._now() < self._away_until:
            raise Away
        try:
            return call()
        except (redis.RedisError, OSError) as error:
            self._away_until = self._now() + AWAY_SECONDS
            log.warning("the cache cannot be reached", reason=str(error))
            raise Away from error


class Here:
    """A cache of this process, of so many SKUs at most; the one unused for longest goes first."""

    seconds = KEPT_HERE_SECONDS

    def __init__(self, now: Clock = time.time, most: int = KEPT_HERE_SKUS) -> None:
        self._found: OrderedDict[str, Found] = OrderedDict()
        self._turns = itertools.count(1)
        self._lock = threading.Lock()
        self._now, self._most = now, most

    def look(self, sku: str) -> Found:
        """What is kept, if it is young enough."""
        with self._lock:
            found = self._found.get(sku, Found(0))
            if sku in self._found:
                self._found.move_to_end(sku)
        return found if self._now() < found.since + self.seconds else Found(found.turn)

    def keep(self, sku: str, turn: int, units: int) -> None:
        """Keep it, unless the SKU was forgotten since."""
        with self._lock:
            if self._found.get(sku, Found(0)).turn == turn:
                self._put(sku, Found(turn, units, self._now()))

    def forget(self, skus: Iterable[str]) -> None:
        """Begin a new turn of each."""
        with self._lock:
            for sku in skus:
                self._put(sku, Found(next(self._turns)))

    def _put(self, sku: str, found: Found) -> None:
        self._found[sku] = found
        self._found.move_to_end(sku)
        if len(self._found) > self._most:
            self._found.popitem(last=False)


def _turn(sku: str) -> str:
    return f"concerto:available:turn:{sku}"


def _value(sku: str) -> str:
    return f"concerto:available:{sku}"
