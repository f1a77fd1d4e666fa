"""A stack that is filled by copies: as many as were asked for, and all that is about one fits."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from contracts.messages.values import OrderId, saga_id_of
from deploy.bench.stored import fill
from deploy.client import Refused
from tests.http.ended import one_ended
from tests.participants.bench import migrated

ORDERS, EVENTS = 20, 50


@pytest.fixture
def ran(postgres: str) -> Iterator[str]:
    """The address of a database in which one order has ended, and its event was heard."""
    with one_ended(postgres, "stored") as config:
        yield config.database_url


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
