"""How many statements some work takes: a large batch takes as many as a small one."""

from collections.abc import Callable
from threading import get_ident
from typing import Any

from sqlalchemy import Engine, event


def statements(engine: Engine, work: Callable[[], object], *about: str) -> list[str]:
    """What this thread executes while it works; only what names one of `about`, if any."""
    seen: list[str] = []
    here = get_ident()

    def note(*heard: Any) -> None:
        if get_ident() == here and (not about or any(name in heard[2] for name in about)):
            seen.append(heard[2])

    event.listen(engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return seen
