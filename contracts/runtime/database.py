"""One engine for one service: its own role, its own schema, bounded in connections and time."""

import select
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import msgspec
import psycopg
from psycopg.types.string import TextLoader
from sqlalchemy import Engine, Executable, Row, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import sessionmaker

from contracts.runtime.session import BatchSession
from contracts.runtime.settings import Settings


class Database:
    """The database of `service`; the engine is made at first use, so after any fork."""

    def __init__(self, service: str, settings: Settings) -> None:
        self.service = service
        self._settings = settings

    @cached_property
    def engine(self) -> Engine:
        """Connects as the service's role, with its schema as the only search path."""
        url = self._settings.database(self.service)
        if not url:
            raise NoDatabase(self.service)
        engine = create_engine(
            make_url(url).set(drivername="postgresql+psycopg"),
            pool_size=self._settings.pool_connections,
            max_overflow=0,
            pool_timeout=self._settings.statement_seconds,
            hide_parameters=True,  # an error in a log tells nobody's name
            json_serializer=msgspec.json.encode,
            json_deserializer=msgspec.json.decode,
            connect_args={
                "options": self._options(),
                "application_name": f"concerto {self.service}",
            },
        )
        _ask_who_spoke(engine)
        _read_ids_as_text(engine)
        return engine

    @cached_property
    def sessions(self) -> sessionmaker[BatchSession]:
        """Makes sessions that flush only when told and keep what they loaded after a commit."""
        return sessionmaker(
            self.engine, class_=BatchSession, autoflush=False, expire_on_commit=False
        )

    def session(self) -> BatchSession:
        """A new session; `with db.session() as session, session.begin():` commits at the end."""
        return self.sessions()

    @contextmanager
    def transaction(self) -> Iterator[BatchSession]:
        """A session whose transaction is committed at the end, or rolled back by an exception."""
        with self.sessions() as session, session.begin():
            yield session

    def read(self, statement: Executable, **parameters: Any) -> Sequence[Row[Any]]:
        """The rows of one query by itself: one round trip, where a transaction takes three."""
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            return connection.execute(statement, parameters).all()

    def close(self) -> None:
        """Give back every connection."""
        if "engine" in self.__dict__:
            self.engine.dispose()

    def _options(self) -> str:
        # A generic plan cached while the tables were empty costs a factor of 4 later.
        limits = {
            "search_path": self.service,
            "plan_cache_mode": "force_custom_plan",
            "statement_timeout": int(self._settings.statement_seconds * 1000),
            "idle_in_transaction_session_timeout": int(
                self._settings.idle_transaction_seconds * 1000
            ),
            "timezone": "UTC",
        }
        return " ".join(f"-c {name}={value}" for name, value in limits.items())


def _ask_who_spoke(engine: Engine) -> None:
    """Ask a connection whether it lives when its server said something while nobody asked: it says
    so when it goes away. Asking every time would be a round trip; looking costs nothing."""

    @event.listens_for(engine, "checkout")
    def _taken(connection: Any, _: Any, __: Any) -> None:
        line = select.poll()
        line.register(connection.fileno(), select.POLLIN)
        try:
            if line.poll(0):
                engine.dialect.do_ping(connection)
        except psycopg.Error as error:
            raise InvalidatePoolError("the database has gone; connect anew") from error


def _read_ids_as_text(engine: Engine) -> None:
    """Every id is a string here: the driver need not make objects of them first."""

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: Any) -> None:
        connection.adapters.register_loader("uuid", TextLoader)


class NoDatabase(RuntimeError):
    """No database address is set."""

    def __init__(self, service: str) -> None:
        super().__init__(
            f"no database for {service}: set CONCERTO_DATABASE_URL or "
            f"CONCERTO_{service.upper()}_DATABASE_URL, or start the embedded stack (concerto up)"
        )
