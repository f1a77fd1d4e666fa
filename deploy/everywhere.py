"""Asks every service's schema the same question, one statement each, several at once."""

from collections.abc import Container, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from contracts.runtime.database import Database

AT_ONCE = 4


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
        names = [name for name in self._databases if of is None or name in of]

        def asked(name: str) -> Sequence[Any]:
            return self._databases[name].read(statement, **(values or {}))

        return zip(names, self._threads.map(asked, names), strict=True)
