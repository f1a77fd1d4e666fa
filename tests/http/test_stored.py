"""A stack that is filled by copies: as many as were asked for, and all that is about one fits."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from contracts.delivery.memory import Memory
from contracts.messages.catalogue import type_of
from contracts.messages.orders import OrderConfirmed
from contracts.messages.trail import Receipt
from contracts.messages.values import OrderId, saga_id_of, stamped
from contracts.runtime.settings import Settings
from deploy.bench.stored import fill
from deploy.client import Refused
from orchestrator.core.sample import example_of
from orchestrator.sagas.order import ORDER
from orchestrator.sagas.order_data import Order
from orchestrator.shell import runner
from orchestrator.shell.handlers import orchestrator
from side_effects.trail.consumer import trail
from tests.participants.bench import migrated
from tests.side_effects.heard import event

ORDERS, EVENTS = 20, 50
AT = datetime(2026, 11, 24, tzinfo=UTC)
ONE = OrderId(stamped(AT, "order"))


@pytest.fixture
def ran(postgres: str) -> Iterator[str]:
    """The address of a database in which one order has ended, and its event was heard."""
    config = Settings(database_url=migrated(postgres, "stored"), signing_key="k" * 40)
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
    yield config.database_url
    for host in (sagas, log):
        host.db.close()


def test_copies_are_consistent_and_as_many_as_asked_for(ran: str) -> None:
    """Each saga has the id that follows from its order's, its journal and its event; tallies say
    what deliveries say; what is filled already can be filled more."""
    fill(ran, ORDERS, EVENTS)
    assert fill(ran, ORDERS, 0)["orchestrator.sagas"] == ORDERS
    with psycopg.connect(ran) as connection:

        def rows(query: str) -> list[Any]:
            return connection.execute(query).fetchall()

        sagas = rows("SELECT subject::text, id::text, started_at < now() FROM orchestrator.sagas")
        assert len(sagas) == 2 * ORDERS + 1
        assert all(saga == saga_id_of(OrderId(order)) and past for order, saga, past in sagas)
        lone = "SELECT id FROM orchestrator.sagas WHERE id NOT IN (SELECT saga_id FROM "
        assert rows(lone + "orchestrator.journal)") == []
        unheard = "SELECT subject FROM orchestrator.sagas WHERE subject::text NOT IN (SELECT "
        assert rows(unheard + "subject FROM trail.events)") == []
        assert rows("SELECT count(*) FROM trail.events") == [(EVENTS + ORDERS + 1,)]
        assert rows("SELECT * FROM trail.tallies") == [("mail", "handled", EVENTS + ORDERS + 1)]
        stray = "SELECT count(*) FROM trail.deliveries WHERE event_id NOT IN (SELECT id FROM "
        assert rows(stray + "trail.events)") == [(0,)]


def test_there_must_be_something_to_copy(postgres: str) -> None:
    with pytest.raises(Refused, match="no order has ended here"):
        fill(migrated(postgres, "unused"), 1, 1)
