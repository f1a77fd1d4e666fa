"""How many statements some work takes: a large batch takes as many as a small one."""

from collections.abc import Callable
from threading import get_ident
from typing import Any

from sqlalchemy import Engine, event

PAUSE = "FROM pauses"


def statements(engine: Engine, work: Callable[[], object], *about: str) -> list[str]:
    """What this thread executes while it works; only what names one of `about`, if any. Not the
    look for a pause, which is taken now and then, whatever comes."""
    seen: list[str] = []
    here = get_ident()

    def note(*heard: Any) -> None:
        told = heard[2]
        wanted = any(name in told for name in about) if about else PAUSE not in told
        if get_ident() == here and wanted:
            seen.append(told)

    event.listen(engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return seen
