"""What many sagas that wait, or have ended, cost those that are under way: nothing."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from contracts.runtime.database import Database
from contracts.runtime.settings import Settings
from orchestrator.http.sagas import SagaFilter, _listed
from orchestrator.shell import store
from tests.participants.bench import SIGNING_KEY, migrated

# 20,000 that have ended, then 10,000 that wait to begin, and 100 of them under way and due.
PILE = text(
    "INSERT INTO sagas (id, name, definition, version, subject, status, step, failure, paused,"
    " retrying, started_at, changed_at, wake_at, state, data) SELECT"
    " ('01900000-0000-8000-8000-' || lpad(n::text, 12, '0'))::uuid, 'order', 1, n % 3,"
    " ('01900000-0000-8000-9000-' || lpad(n::text, 12, '0'))::uuid,"
    " CASE WHEN n <= 20000 THEN 'completed' WHEN n % 100 = 0 THEN 'running' ELSE 'accepted' END,"
    " '', '', false, false, now(), now(), CASE WHEN n > 20000 THEN now() - interval '1 s' END,"
    " json_build_object('x', repeat('x', 1500)), '{}' FROM generate_series(1, 30000) n"
)


@pytest.fixture
def database(postgres: str) -> Iterator[Database]:
    """The orchestrator's."""
    config = Settings(database_url=migrated(postgres), signing_key=SIGNING_KEY)
    found = Database("orchestrator", config)
    yield found
    found.close()


def test_many_that_wait_to_begin_cost_nothing_to_those_under_way(database: Database) -> None:
    """Nor do many that have ended: what is due, who is next, and the few that are paused or tried
    again are found by an index of their own that holds no others."""
    listed = {name: _listed(SagaFilter(**{name: True})) for name in ("paused", "retrying")}
    due, next_ = (found.params(most=200) for found in (store._DUE, store._UNSTARTED))
    with database.transaction() as session:
        session.execute(text("TRUNCATE sagas CASCADE"))
        session.execute(PILE)
        session.execute(text("ANALYZE sagas"))
        for index, found in {"wake": due, "accepted": next_, **listed}.items():
            statement = found.compile(database.engine)
            explain = f"EXPLAIN (ANALYZE) {statement}"
            read = session.connection().exec_driver_sql(explain, statement.params)
            plan = "\n".join(read.scalars())
            assert f"sagas_{index}" in plan, plan
            assert "Removed by Filter" not in plan, plan
        session.execute(text("TRUNCATE sagas CASCADE"))
