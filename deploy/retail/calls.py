"""Calls to the platform that bear with it: busy or restarting is waited for, within a bound.

Every call an import makes may be made twice: an order has its key, and stock is set, not added.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

import stamina

from deploy.client import Answered, Platform, Unreachable

PATIENCE_SECONDS = 90.0
PASSING = (429, 502, 503, 504)
PAGE = 500
Item = TypeVar("Item")
Answer = TypeVar("Answer")
Advance = Callable[[int, str], None]  # how much is done by now, and what to say beside it
Show = Callable[[str, int], Advance]  # what is being done, and how much it is in all


@dataclass(frozen=True)
class Calls:
    """A platform spoken to with patience; `connect` gives it with a token that is fresh."""

    connect: Callable[[], Platform]

    def __call__(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Any:
        """What the platform answers; waits as long as it says, or longer each time."""
        for attempt in stamina.retry_context(_wait, attempts=None, timeout=PATIENCE_SECONDS):
            with attempt:
                return self.connect().call(method, path, body, **(headers or {}))

    def get(self, path: str) -> Any:
        """What the platform answers."""
        return self("GET", path)

    def look(self, path: str, **otherwise: Any) -> Any:
        """What the platform answers, or `otherwise` where there is nothing."""
        try:
            return self("GET", path)
        except Answered as error:
            if error.status != 404:
                raise
            return otherwise

    def pages(self, path: str, key: str) -> Iterator[list[dict[str, Any]]]:
        """A list page by page, newest first."""
        cursor, joint = "", "&" if "?" in path else "?"
        while cursor is not None:
            page = self.get(f"{path}{joint}limit={PAGE}{f'&cursor={cursor}' if cursor else ''}")
            yield page[key]
            cursor = page["next"]


def in_flight(
    call: Callable[[Item], Answer], items: Iterable[Item], most: int
) -> Iterator[tuple[Item, Answer]]:
    """Call with each item, `most` at once, and give back each with its answer, in order."""
    waiting: deque[tuple[Item, Future[Answer]]] = deque()
    with ThreadPoolExecutor(most) as pool:
        for item in items:
            waiting.append((item, pool.submit(call, item)))
            if len(waiting) > most:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()


def at(path: str, name: str) -> str:
    """The address of `name` under a path, whatever is in the name."""
    return f"{path}/{quote(name, safe='')}"


def _wait(error: Exception) -> bool | float:
    """How long to wait until the next attempt; false where another would not help."""
    if isinstance(error, Answered) and error.status in PASSING:
        return error.after_seconds or True
    return isinstance(error, Unreachable)
