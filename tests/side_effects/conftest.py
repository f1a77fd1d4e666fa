"""What the tests of side effects share: with those of participants, and among those of webhooks."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from contracts.runtime import problems
from contracts.runtime.settings import settings
from side_effects.webhooks.consumer import webhooks
from side_effects.webhooks.http import routes
from tests.participants.bench import SIGNING_KEY, Bench, bench, migrated
from tests.side_effects.endpoints import Shop
from tests.side_effects.receiver import Receiver, receiver


@pytest.fixture
def signed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process accepts and makes tokens with the key of the bench."""
    monkeypatch.setenv("CONCERTO_SIGNING_KEY", SIGNING_KEY)
    settings.cache_clear()
    yield
    settings.cache_clear()


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
    app = FastAPI()
    problems.install(app)
    app.include_router(routes(posting.host.db))
    with TestClient(app) as client:
        yield Shop(client)
