"""What the tests of side effects share with those of participants."""

from collections.abc import Iterator

import pytest

from contracts.runtime.settings import settings
from tests.participants.bench import SIGNING_KEY


@pytest.fixture
def signed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process accepts and makes tokens with the key of the bench."""
    monkeypatch.setenv("CONCERTO_SIGNING_KEY", SIGNING_KEY)
    settings.cache_clear()
    yield
    settings.cache_clear()
