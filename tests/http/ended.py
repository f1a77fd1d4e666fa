"""A database in which one order has ended, and its event was heard: what a stack is filled with."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg

from contracts.delivery.memory import Memory
from contracts.messages.catalogue import type_of
from contracts.messages.orders import OrderConfirmed
from contracts.messages.trail import Receipt
from contracts.messages.values import OrderId, saga_id_of, stamped
from contracts.runtime.settings import Settings
from orchestrator.core.sample import example_of
from orchestrator.sagas.order import ORDER
from orchestrator.sagas.order_data import Order
from orchestrator.shell import runner
from orchestrator.shell.handlers import orchestrator
from side_effects.trail.consumer import trail
from tests.participants.bench import migrated
from tests.side_effects.heard import event

AT = datetime(2026, 11, 24, tzinfo=UTC)
ONE = OrderId(stamped(AT, "order"))


@contextmanager
def one_ended(postgres: str, name: str) -> Iterator[Settings]:
    """The settings of services on such a database, of this name."""
    config = Settings(database_url=migrated(postgres, name), signing_key="k" * 40)
    memory = Memory(config)
    sagas, log = memory.host(orchestrator), memory.host(trail)
    beginning = runner.Beginning(ORDER, saga_id_of(ONE), ONE, example_of(Order))
    sagas.run(lambda session: runner.start(session, [beginning]))
    said = event(OrderConfirmed(**{**vars(example_of(OrderConfirmed)), "order_id": ONE}), ONE)
    with psycopg.connect(config.database_url, autocommit=True) as connection:
        pair = (type_of(OrderConfirmed), "mail")
        connection.execute("UPDATE orchestrator.sagas SET status = 'completed', wake_at = NULL")
        connection.execute("INSERT INTO trail.subscriptions VALUES (%s, %s)", pair)
    log.receive([said])
    heard = Receipt(event_id=said.id, subscriber="mail", state="handled", attempts=1)
    log.run(lambda session: trail.receives_receipts([heard], session))  # type: ignore[misc]
    yield config
    for host in (sagas, log):
        host.db.close()
