"""A connection of a server that went away is never handed out, and errors tell nothing personal."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from contracts.runtime.database import Database
from contracts.runtime.settings import Settings
from tests.simulators.running import until

OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name"


def test_a_connection_that_was_ended_is_replaced(postgres: str) -> None:
    """The server ends it just after it was used: the next transaction does not notice."""
    ended = Database("ended", Settings(database_url=postgres))
    ending = Database("ending", Settings(database_url=postgres))
    for _ in range(3):
        with ended.transaction() as session:
            assert session.scalar(text("SELECT 1")) == 1
        with ending.transaction() as session:
            session.execute(text(OTHERS), {"name": "concerto ended"})
        until(lambda: not _connected(ending, "concerto ended"))
    ended.close()
    ending.close()


def _connected(asking: Database, name: str) -> int:
    """How many connections of that name the server has: what it says of their end has arrived."""
    alive = "SELECT count(*) FROM pg_stat_activity WHERE application_name = :name"
    with asking.transaction() as session:
        return int(session.scalar(text(alive), {"name": name}))


def test_an_error_does_not_tell_its_parameters(postgres: str) -> None:
    """What a failing statement was given stays out of the exception, and so out of logs."""
    db = Database("telling", Settings(database_url=postgres))
    with pytest.raises(DBAPIError) as refused, db.transaction() as session:
        session.execute(text("SELECT 1 / CAST(:zero AS int), :name"), {"zero": 0, "name": "Ann B."})
    assert "Ann B." not in str(refused.value)
    db.close()
