"""Asks every service's schema the same, several at once."""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from contracts.runtime.database import Database

AT_ONCE = 4
Answer = TypeVar("Answer")


class Everywhere:
    """The databases of all services; the threads that ask them are made once, and go with it."""

    def __init__(self, databases: Mapping[str, Database]) -> None:
        self._databases = databases
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="everywhere")

    def ask(
        self,
        statement: Any,
        values: Mapping[str, Any] | None = None,
        of: Container[str] | None = None,
    ) -> Iterator[tuple[str, Sequence[Any]]]:
        """Each service's name with its rows; of those named in `of` only, if it is given."""
        return self.each(lambda database: database.read(statement, **(values or {})), of)

    def each(
        self, asked: Callable[[Database], Answer], of: Container[str] | None = None
    ) -> Iterator[tuple[str, Answer]]:
        """Each service's name with what is answered for its database; of those in `of` only."""
        found = {n: db for n, db in self._databases.items() if of is None or n in of}
        return zip(found, self._threads.map(asked, found.values()), strict=True)
