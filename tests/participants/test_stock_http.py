"""Stock over HTTP: counted, received and written off at a warehouse, once, and never what is
committed to an order."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from contracts.messages.inventory import InventoryCommitted, InventoryHoldExpired
from contracts.messages.values import Sku
from contracts.runtime.settings import settings
from contracts.runtime.tokens import mint
from participants.inventory import http
from participants.inventory.handlers import inventory
from tests.edge import client_of
from tests.participants.bench import Bench, bench, migrated, new_order
from tests.participants.shelves import entries, kept, reserve, standing, stocked, wrong

KEYS = iter(range(10**6))


@pytest.fixture(scope="module")
def store(postgres: str) -> Iterator[Bench]:
    """Inventory at work."""
    with bench(inventory, migrated(postgres)) as desk:
        yield desk


@pytest.fixture
def edge(store: Bench, signed: None) -> Iterator[TestClient]:
    """Its routes."""
    with client_of(http.routes(store.host.db)) as client:
        yield client


def by(role: str = "operator", key: str = "") -> dict[str, str]:
    """The headers of a caller, under a new key unless one is given."""
    token = mint(settings(), role, "somebody")
    return {"Authorization": f"Bearer {token}", "Idempotency-Key": key or f"k{next(KEYS)}"}


def moved(edge: TestClient, sku: Sku, units: int, key: str = "", **more: Any) -> Any:
    """What is answered when units are adjusted."""
    body = {"quantity": units, "reason": "stocktaking", **more}
    return edge.post(f"/stock/{sku}/adjustments", json=body, headers=by(key=key))


def test_what_is_received_is_on_hand_at_its_warehouse_once_for_each_key(
    edge: TestClient, store: Bench
) -> None:
    """Sent twice, and at once, it is received once; another body under that key is refused."""
    edge.put("/warehouses/south", json={"name": "South", "rank": 7}, headers=by())
    sku, body = stocked(store, 2), {"quantity": 5, "reason": "PO 7", "warehouse": "south"}
    path, head = f"/stock/{sku}/receipts", by("shop", "once")

    def send() -> Any:
        return edge.post(path, json=body, headers=head)

    with ThreadPoolExecutor(4) as callers:
        answers = [each.result() for each in [callers.submit(send) for _ in range(8)]]
    assert {answer.status_code for answer in answers} == {200}
    shown = edge.get(f"/stock/{sku}", headers=by("support")).json()
    assert (shown["on_hand"], shown["received"]) == (7, 7)
    assert [(at["warehouse"], at["on_hand"]) for at in shown["warehouses"]] == [
        ("main", 2),
        ("south", 5),
    ]
    other = edge.post(path, json={**body, "quantity": 6}, headers=head)
    assert (other.status_code, other.json()["type"].rsplit("/", 1)[-1]) == (422, "key-reused")
    listed = edge.get("/stock", params={"limit": 500}, headers=by()).json()["stock"]
    assert next(row["on_hand"] for row in listed if row["sku"] == sku) == 7
    assert (entries(store, sku)[-1], wrong(store, sku)) == (
        ("received", 5, "outside", "on_hand"),
        [],
    )


def test_an_adjustment_says_why_and_adds_up(edge: TestClient, store: Bench) -> None:
    """Found and gone; the ledger keeps both apart from what was received."""
    sku = stocked(store, 5)
    assert moved(edge, sku, 2).json()["adjusted"] == 2
    shown = moved(edge, sku, -3).json()
    assert (shown["on_hand"], shown["adjusted"], shown["received"]) == (4, -1, 5)
    assert entries(store, sku)[1:] == [
        ("adjusted", 2, "outside", "on_hand"),
        ("adjusted", 3, "on_hand", "outside"),
    ]
    assert wrong(store, sku) == []


def test_what_is_written_off_below_what_is_held_lets_the_newest_holds_expire(
    edge: TestClient, store: Bench
) -> None:
    """The oldest order keeps its units; the newest finds out when it commits."""
    sku = stocked(store, 6)
    first, second, third = (reserve(new_order(), (sku, 2)) for _ in range(3))
    for asked in (first, second, third):
        store.ask(asked)
    assert moved(edge, sku, -3).json()["on_hand"] == 1
    assert standing(store, sku) == (1, 2, 0)
    assert isinstance(store.ask(kept(first)), InventoryCommitted)
    assert isinstance(store.ask(kept(second)), InventoryHoldExpired)
    assert isinstance(store.ask(kept(third)), InventoryHoldExpired)
    assert wrong(store, sku) == []


def test_what_is_committed_cannot_be_written_off(edge: TestClient, store: Bench) -> None:
    """Nothing changes, no hold expires, and the key may be used again."""
    sku = stocked(store, 4)
    asked, held = reserve(new_order(), (sku, 3)), reserve(new_order(), (sku, 1))
    store.send_all([asked, kept(asked), held])
    refused = moved(edge, sku, -2, key="too-many")
    assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[-1]) == (409, "committed")
    assert standing(store, sku) == (0, 4, 0)
    assert moved(edge, sku, -1, key="too-many").status_code == 200
    assert (standing(store, sku), wrong(store, sku)) == ((0, 3, 0), [])


def test_stock_is_kept_at_warehouses_that_there_are(edge: TestClient, store: Bench) -> None:
    """An unknown one is named in the refusal, whatever is to be done there."""
    sku = stocked(store, 1)
    for said in (
        moved(edge, sku, 1, warehouse="nowhere"),
        edge.put(f"/stock/{sku}", json={"quantity": 1, "warehouse": "nowhere"}, headers=by()),
    ):
        assert said.status_code == 404
        assert "'nowhere'" in said.json()["title"]
    assert standing(store, sku) == (1, 0, 0)


def test_each_route_takes_its_roles(edge: TestClient, store: Bench) -> None:
    """A shop counts and receives, operators adjust and build; support looks."""
    sku = stocked(store, 1)
    adjusted, built = {"quantity": 1, "reason": "r"}, {"name": "N", "rank": 9}
    roles = ("shop", "customer", "support", "operator")

    def asked(method: str, path: str, body: Any) -> list[int]:
        said = (edge.request(method, path, json=body, headers=by(role)) for role in roles)
        return [answer.status_code for answer in said]

    assert asked("GET", f"/stock/{sku}", None) == [200, 403, 200, 200]
    assert asked("POST", f"/stock/{sku}/receipts", adjusted) == [200, 403, 403, 200]
    assert asked("POST", f"/stock/{sku}/adjustments", adjusted) == [403, 403, 403, 200]
    assert asked("PUT", "/warehouses/east", built) == [403, 403, 403, 200]


def test_the_ledger_of_an_order_is_of_all_its_skus(edge: TestClient, store: Bench) -> None:
    """What moved because of it, oldest first, and of nothing else; by SKU the same."""
    skus = sorted(stocked(store, 5) for _ in range(2))
    mine, other = (reserve(new_order(), *((sku, 2) for sku in skus)) for _ in range(2))
    store.ask(mine)
    store.ask(other)
    order = {"order": mine.order_id}
    whole = edge.get("/ledgers/stock", params=order, headers=by()).json()["entries"]
    assert [entry["sku"] for entry in whole] == skus
    assert {entry["order_id"] for entry in whole} == {mine.order_id}
    for sku, entry in zip(skus, whole, strict=True):
        by_sku = edge.get(f"/ledgers/stock/{sku}", params=order, headers=by()).json()
        assert by_sku == {"entries": [entry]}
