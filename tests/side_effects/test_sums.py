"""Analytics and recommendation add each order once, whatever batch it comes in."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from contracts.runtime import access
from contracts.runtime.settings import Settings
from contracts.runtime.tokens import mint
from side_effects.analytics.consumer import analytics
from side_effects.recommendation.consumer import recommendation
from side_effects.recommendation.http import routes
from tests.edge import client_of
from tests.participants.bench import SIGNING_KEY
from tests.side_effects.heard import Subscriber, confirmed, subscriber


@pytest.fixture
def sums(postgres: str) -> Iterator[Subscriber]:
    """Analytics with empty sums."""
    with subscriber(analytics, postgres, "trail") as at_work:
        for table in ("sales_by_day", "sales_by_sku", "applied_orders"):
            at_work.rows(f"DELETE FROM {table}")
        yield at_work


@pytest.fixture
def taste(postgres: str) -> Iterator[Subscriber]:
    """Recommendation that has learned nothing."""
    with subscriber(recommendation, postgres, "trail") as at_work:
        for table in ("bought", "together", "applied_orders"):
            at_work.rows(f"DELETE FROM {table}")
        yield at_work


def test_sales_add_up_over_batches_and_duplicates(sums: Subscriber) -> None:
    """Three orders, one of them heard twice, in two batches."""
    one, two, three = (confirmed(("A", 2, 100), ("A", 1, 50)) for _ in range(3))
    sums.host.receive([one, two])
    sums.host.receive([two, three])
    assert sums.rows("SELECT sum(orders), sum(amount) FROM sales_by_day") == [(3, 750)]
    assert sums.rows("SELECT quantity, amount FROM sales_by_sku WHERE sku = 'A'") == [(9, 750)]
    assert sums.rows("SELECT count(*) FROM applied_orders") == [(3,)]


def test_what_is_bought_together_is_recommended_with_its_reason(
    taste: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has tea is told of milk, which others bought with it, and not of tea."""
    for _ in range(2):
        taste.host.receive([confirmed(("milk", 1, 1), ("tea", 1, 1), customer="others")])
    taste.host.receive([confirmed(("tea", 1, 1), customer="me")])
    assert recommended(taste, monkeypatch) == [
        {"sku": "milk", "orders": 2, "because": "bought together with tea in 2 orders"}
    ]


def recommended(taste: Subscriber, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the shop is shown for the customer `me`."""
    config = Settings(signing_key=SecretStr(SIGNING_KEY))
    monkeypatch.setattr(access, "settings", lambda: config)
    headers = {"Authorization": f"Bearer {mint(config, 'shop', 'tests')}"}
    with client_of(routes(taste.host.db)) as client:
        return client.get("/reports/recommendations/me", headers=headers).json()
