"""What the tests of side effects share: with those of participants, and among those of webhooks."""

from collections.abc import Iterator

import pytest

from contracts.runtime.settings import settings
from side_effects.webhooks.consumer import webhooks
from side_effects.webhooks.http import routes
from tests.edge import client_of
from tests.participants.bench import Bench, bench, migrated
from tests.side_effects.endpoints import Shop
from tests.side_effects.receiver import Receiver, receiver


@pytest.fixture
def hook() -> Iterator[Receiver]:
    """A shop's server."""
    with receiver() as running:
        yield running


@pytest.fixture
def posting(postgres: str, signed: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Webhooks at work, which may post to this machine; no endpoint is there."""
    monkeypatch.setenv("CONCERTO_TIME_SCALE", "0.01")
    monkeypatch.setenv("CONCERTO_WEBHOOK_ALLOW", "127.0.0.1")
    settings.cache_clear()
    with bench(webhooks, migrated(postgres), webhook_allow="127.0.0.1") as at_work:
        at_work.rows("DELETE FROM endpoints")
        yield at_work


@pytest.fixture
def shop(posting: Bench) -> Iterator[Shop]:
    """The routes of webhooks."""
    with client_of(routes(posting.host.db)) as client:
        yield Shop(client)
