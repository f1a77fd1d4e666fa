"""A tiny service on a real PostgreSQL, whose handlers are as simple as handlers can be."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from sqlalchemy import create_engine, text

from contracts.delivery import tables
from contracts.delivery.memory import Memory
from contracts.delivery.service import Service
from contracts.messages.catalogue import type_of
from contracts.messages.orders import OrderConfirmed
from contracts.runtime.settings import Settings

SCHEMAS = ("shop", "stock", "mail", "trail")


@dataclass
class Bench:
    """Services joined in memory, and what their senders were given."""

    config: Settings
    memory: Memory
    effects: list[str] = field(default_factory=list)

    def service(self, name: str) -> Service:
        """A service of one of the prepared schemas."""
        return Service(name)

    def rows(self, service: str, query: str) -> list[tuple[object, ...]]:
        """What `query` finds in the schema of `service`."""
        with self.memory.hosts[service].db.transaction() as session:
            return [tuple(row) for row in session.execute(text(query))]


@pytest.fixture
def bench(postgres: str) -> Iterator[Bench]:
    """Fresh schemas with the delivery tables, and a memory to carry messages between them."""
    engine = create_engine(postgres.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        for schema in SCHEMAS:
            connection.execute(text(f"DROP SCHEMA IF EXISTS {schema} CASCADE"))
            connection.execute(text(f"CREATE SCHEMA {schema}"))
            connection.execute(text(f"SET search_path = {schema}"))
            tables.metadata.create_all(connection, checkfirst=False)
            pairs = [
                {"event": type_of(OrderConfirmed), "subscriber": name} for name in ("mail", "trail")
            ]
            connection.execute(tables.subscriptions.insert(), pairs)
    engine.dispose()
    config = Settings(
        database_url=postgres, time_scale=0.005, due_seconds=0.02, signing_key="k" * 40
    )
    bench = Bench(config, Memory(config))
    yield bench
    for host in bench.memory.hosts.values():
        host.stop()
