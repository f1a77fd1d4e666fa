"""Payments at work against the payment simulator."""

from collections.abc import Iterator

import pytest

from participants.payments.handlers import payments
from tests.participants.bench import Bench, bench, migrated
from tests.simulators.running import KEY, Running


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The payment simulator as a process."""
    with Running("payment", tmp_path_factory.mktemp("payment")) as running:
        yield running


@pytest.fixture
def provider(simulator: Running) -> Iterator[Running]:
    """The payment simulator, its switches put back afterwards."""
    yield simulator
    simulator.switch(unknown_silent=True, search_blind=False, slow_seconds=0)
    simulator.switch(silent=False, down=False, break_changes="")


@pytest.fixture
def switched_back(simulator: Running) -> Iterator[None]:
    """Refunds and webhooks of the simulator are as usual afterwards."""
    yield
    simulator.switch(refunds="", webhooks="soon", webhook_url="")


@pytest.fixture(scope="module")
def at_work(postgres: str, simulator: Running) -> Iterator[Bench]:
    """Payments, for all tests of a module."""
    more = {"payment_url": simulator.url, "payment_key": KEY}
    with bench(payments, migrated(postgres), **more) as running:
        yield running


@pytest.fixture
def desk(at_work: Bench, provider: Running) -> Bench:
    """Payments, in front of a provider with its switches in order."""
    return at_work
