"""Availability is answered from the cache until it is sold, and never fails with the cache."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from httpx2 import Response

from deploy.local.servers import free_port
from side_effects.cache import consumer
from side_effects.cache.consumer import cache
from side_effects.cache.http import routes
from side_effects.cache.kept import KEPT_HERE_SECONDS, Away, Here, InValkey, Kept, kept_at
from tests.side_effects.edge import asked, bearer
from tests.side_effects.heard import Subscriber, confirmed, subscriber

MISS, AWAY = "concerto; fwd=miss; stored", "concerto; fwd=bypass; detail=unreachable"


@dataclass
class Inventory:
    """Knows what is on hand, and how often it was asked."""

    units: dict[str, int]
    asked: list[str] = field(default_factory=list)

    def available(self, sku: str) -> int | None:
        """What is on hand."""
        self.asked.append(sku)
        return self.units.get(sku)


@dataclass
class Clock:
    """A clock that is set."""

    at: float = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def desk(postgres: str) -> Iterator[Subscriber]:
    """Cache, told of events."""
    with subscriber(cache, postgres, "trail") as at_work:
        yield at_work


@pytest.fixture
def stock() -> Inventory:
    """Seven of A are on hand."""
    return Inventory({"A": 7})


@pytest.fixture(params=["valkey", "none"])
def kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Kept:
    """An empty cache of either kind, which the consumer knows too."""
    if request.param == "none":
        found: Kept = Here()
    else:
        found = InValkey(request.getfixturevalue("valkey"))
        found._client.flushdb()
    monkeypatch.setattr(consumer, "kept_at", lambda _: found)
    return found


@contextmanager
def edge(
    desk: Subscriber, stock: Inventory, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Response]]:
    """What the shop is told of a SKU."""
    with asked(routes(desk.host.db, stock.available, kept), monkeypatch) as client:
        yield lambda sku: client.get(f"/availability/{sku}", headers=bearer("shop"))


def test_inventory_is_asked_once_until_the_sku_is_sold(
    desk: Subscriber, stock: Inventory, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second request is answered from the cache with its age; after a sale inventory is asked."""
    with edge(desk, stock, kept, monkeypatch) as ask:
        first, second = ask("A"), ask("A")
        assert first.json() == {"sku": "A", "available": 7, "age_seconds": 0}
        assert first.headers["cache-status"] == MISS
        assert second.json()["available"] == 7
        assert second.headers["cache-status"].startswith("concerto; hit; ttl=")
        assert second.headers["age"] == "0"
        assert stock.asked == ["A"]
        stock.units["A"] = 5
        desk.host.receive([confirmed(("A", 2, 100)), confirmed(("B", 1, 100))])
        after = ask("A")
        assert (after.json()["available"], after.headers["cache-status"]) == (5, MISS)


def test_what_was_read_before_a_sale_is_not_kept_after_it(
    desk: Subscriber, stock: Inventory, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sale comes between the answer of inventory and its keeping."""

    def sold_meanwhile(sku: str) -> int | None:
        units = stock.available(sku)
        kept.forget({sku})
        return units

    with asked(routes(desk.host.db, sold_meanwhile, kept), monkeypatch) as client:
        client.get("/availability/A", headers=bearer("shop"))
    with edge(desk, stock, kept, monkeypatch) as ask:
        assert ask("A").headers["cache-status"] == MISS


def test_a_sku_nobody_has_is_not_found_and_not_kept(
    desk: Subscriber, stock: Inventory, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that nobody fills the cache with inventions."""
    with edge(desk, stock, kept, monkeypatch) as ask:
        assert [ask("Z").status_code for _ in range(2)] == [404, 404]
    assert stock.asked == ["Z", "Z"]


def test_a_cache_that_is_away_fails_neither_the_request_nor_the_event(
    desk: Subscriber, stock: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source answers, a header says so, and the event is handled."""
    away = InValkey(f"redis://127.0.0.1:{free_port()}/0")
    monkeypatch.setattr(consumer, "kept_at", lambda _: away)
    with edge(desk, stock, away, monkeypatch) as ask:
        answers = [ask("A") for _ in range(2)]
    assert [(a.json()["available"], a.headers["cache-status"]) for a in answers] == [(7, AWAY)] * 2
    said = confirmed(("A", 1, 100))
    desk.host.receive([said])
    assert desk.rows("SELECT settled FROM inbox WHERE id = :id", id=said.id) == [(True,)]


def test_who_was_away_is_asked_again_after_a_second(valkey: str) -> None:
    """Until then nobody waits for it."""
    clock = Clock()
    kept = InValkey(valkey, clock)
    kept._client.flushdb()
    kept._away_until = clock.at + 1
    with pytest.raises(Away):
        kept.look("A")
    clock.at += 1
    assert kept.look("A").units is None


def test_a_cache_of_one_process_is_bounded_in_skus_and_age() -> None:
    """The third of two pushes out the first; five seconds later nothing is true any more."""
    clock = Clock()
    here = Here(clock, most=2)
    for sku in "ABC":
        here.keep(sku, 0, 1)
    assert [here.look(sku).units for sku in "ABC"] == [None, 1, 1]
    clock.at += KEPT_HERE_SECONDS
    assert [here.look(sku).units for sku in "ABC"] == [None, None, None]


def test_there_is_a_cache_whatever_the_broker_is() -> None:
    """Valkey where it carries the messages, this process elsewhere."""
    assert isinstance(kept_at("redis://:secret@127.0.0.1:1/0"), InValkey)
    assert isinstance(kept_at("amqp://127.0.0.1:1"), Here)
    assert isinstance(kept_at("none"), Here)


def test_a_platform_that_was_not_told_whom_to_ask_says_so(
    desk: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 503, and the role is asked for first."""
    with asked(routes(desk.host.db, kept=Here()), monkeypatch) as client:
        assert client.get("/availability/A", headers=bearer("support")).status_code == 503
        assert client.get("/availability/A", headers=bearer("risk")).status_code == 403
