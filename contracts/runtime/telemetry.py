"""How a process logs: one JSON line an entry, with the ids of what it is about."""

import logging
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Protocol

import structlog


class Named(Protocol):
    """Something that a log line can be about: a message."""

    def ids(self) -> Mapping[str, str]:
        """The ids it is known by, by what they are ids of."""


# What this thread or task is working on; its ids are looked up only when something is logged.
about: ContextVar[Named | None] = ContextVar("about", default=None)


def start(service: str, level: str) -> None:
    """Log as JSON lines to standard error, under the name of `service`."""
    logging.basicConfig(stream=sys.stderr, level=level, format="%(levelname)s %(name)s %(message)s")
    for chatty in ("celery.app.trace", "celery.worker.strategy", "alembic", "httpx2", "stripe"):
        logging.getLogger(chatty).setLevel("WARNING")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            name_it,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)


def log() -> structlog.typing.FilteringBoundLogger:
    """The logger; bind ids to it rather than writing them into the text."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger()
    return logger


def name_it(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """A processor of structlog: adds the ids of what is being worked on, unless they are there."""
    named = about.get()
    return {**named.ids(), **event} if named else event
