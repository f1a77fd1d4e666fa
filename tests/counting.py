"""How many statements some work takes: a batch takes as many as one message."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Any

from sqlalchemy import Engine, event


@contextmanager
def statements(engine: Engine, *about: str) -> Iterator[list[str]]:
    """What this thread has executed within the block; only what names one of `about`, if any."""
    seen: list[str] = []
    here = get_ident()

    def note(*heard: Any) -> None:
        if get_ident() == here and (not about or any(name in heard[2] for name in about)):
            seen.append(heard[2])

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)
