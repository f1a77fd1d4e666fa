"""What waits while others are under way is done together with the next.

Under light load each item is done at once and by itself; under heavy load as many as have come
share one transaction. Nobody waits for a group to fill.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock, Semaphore
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass
class Waiting(Generic[T]):
    """Items of one caller, and the answer it waits for."""

    items: Sequence[T]
    done: "Future[None]" = field(default_factory=Future)


class Together(Generic[T]):
    """Does items through `do`, about `most` at a time and `at_once` groups side by side."""

    def __init__(self, do: Callable[[Sequence[T]], None], *, most: int, at_once: int) -> None:
        self._do, self._most = do, most
        self._waiting: list[Waiting[T]] = []
        self._lock, self._free = Lock(), Semaphore(at_once)

    def do(self, items: Sequence[T]) -> None:
        """Do these with whatever else waits, from any thread; raises what doing the group raised.

        Whoever finds a place free does all that waits then, maybe with the items of others, who
        find theirs done; so what is added before waiting for a place is never left behind.
        """
        mine = Waiting(items)
        with self._lock:
            self._waiting.append(mine)
        with self._free:
            self._next()
        mine.done.result()

    def _next(self) -> None:
        group = self._take()
        if not group:
            return
        try:
            self._do([item for waiting in group for item in waiting.items])
        except BaseException as error:
            for waiting in group:
                waiting.done.set_exception(error)
        else:
            for waiting in group:
                waiting.done.set_result(None)

    def _take(self) -> list[Waiting[T]]:
        """The oldest that wait; at least one, if any does."""
        with self._lock:
            count = size = 0
            for waiting in self._waiting:
                size += len(waiting.items)
                if count and size > self._most:
                    break
                count += 1
            group, self._waiting = self._waiting[:count], self._waiting[count:]
            return group
