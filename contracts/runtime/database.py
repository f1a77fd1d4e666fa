"""One engine for one service: its own role, its own schema, bounded in connections and time."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

from pydantic_core import from_json, to_json
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url
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
        return create_engine(
            make_url(url).set(drivername="postgresql+psycopg"),
            pool_size=self._settings.pool_connections,
            max_overflow=0,
            pool_timeout=self._settings.statement_seconds,
            json_serializer=to_json,
            json_deserializer=from_json,
            pool_pre_ping=True,  # after a restart of the database nobody gets a dead connection
            connect_args={
                "options": self._options(),
                "application_name": f"concerto {self.service}",
            },
        )

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


class NoDatabase(RuntimeError):
    """No database address is set."""

    def __init__(self, service: str) -> None:
        super().__init__(
            f"no database for {service}: set CONCERTO_DATABASE_URL or "
            f"CONCERTO_{service.upper()}_DATABASE_URL, or start the embedded stack (concerto up)"
        )
