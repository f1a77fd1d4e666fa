"""Group commit: what arrives together is committed together, each caller getting its own answer.

While one group is being committed the next one gathers. Whoever comes alone is committed at once;
while many come at a time the next group gathers a little longer, for each it had in the last one,
and all that follows (sends, batches, commits of every service) costs less. An error splits a group
into singles, so that one bad item fails alone. The line is bounded.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from contracts.runtime.problems import Problem

Item = TypeVar("Item")
Done = TypeVar("Done")
GATHER_SECONDS, GATHER_MOST_SECONDS = 0.001, 0.02  # for each other item of the last group


class Group(Generic[Item, Done]):
    """Commits items (`what` they are, for people) through `commit`, at most `most` at a time and
    `line` waiting."""

    def __init__(
        self, commit: Callable[[Sequence[Item]], Sequence[Done]], what: str, *, most: int, line: int
    ) -> None:
        self._commit, self._what, self._most, self._line = commit, what, most, line
        self._waiting: list[tuple[Item, asyncio.Future[Done]]] = []
        self._working: asyncio.Task[None] | None = None

    async def submit(self, items: Sequence[Item]) -> list[Done]:
        """Commit `items` with whatever else is there; `Problem` 429 when the line is full."""
        if len(self._waiting) + len(items) > self._line:
            raise Problem(
                429,
                f"too-many-{self._what}",
                f"Too many {self._what} wait to be written down",
                "Send it again in a moment, just as it was.",
                headers={"Retry-After": "1"},
            )
        loop = asyncio.get_running_loop()
        mine = [(item, loop.create_future()) for item in items]
        self._waiting += mine
        if not self._working or self._working.done():
            self._working = asyncio.create_task(self._work())
        return list(await asyncio.gather(*(future for _, future in mine)))

    async def _work(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            try:
                await self._settle(group)
                await asyncio.sleep(min(GATHER_SECONDS * (len(group) - 1), GATHER_MOST_SECONDS))
            except Exception as error:
                if len(group) == 1:
                    _fail(group[0][1], error)
                else:
                    await self._singly(group)

    async def _singly(self, group: Sequence[tuple[Item, asyncio.Future[Done]]]) -> None:
        for one in group:
            try:
                await self._settle([one])
            except Exception as error:
                _fail(one[1], error)

    async def _settle(self, group: Sequence[tuple[Item, asyncio.Future[Done]]]) -> None:
        done = await asyncio.to_thread(self._commit, [item for item, _ in group])
        for (_, future), answer in zip(group, done, strict=True):
            if not future.done():
                future.set_result(answer)


def _fail(future: "asyncio.Future[Done]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
