"""An order from two warehouses on the whole stack: two parcels, each paid for and sent alone."""

from typing import Any

import pytest

from tests.system.conftest import Platforms, wait_until

pytestmark = pytest.mark.parametrize("platform", ["valkey"], indirect=True)
PRICE = {"amount": 1999, "currency": "GBP"}


def split(whole: Platforms, name: str, **choices: Any) -> str:
    """An order of two SKUs, each at a warehouse of its own."""
    http = whole.http
    http.call("PUT", "/warehouses/north", {"name": "North", "rank": 5})
    skus = [f"{name}-MAIN", f"{name}-NORTH"]
    for sku, warehouse in zip(skus, ("main", "north"), strict=True):
        http.call("PUT", f"/stock/{sku}", {"quantity": 10, "warehouse": warehouse})
    lines = [{"sku": sku, "quantity": 2, "unit_price": PRICE} for sku in skus]
    (order,) = whole.submit(1, lines=lines, **choices)
    return order


def parcels(whole: Platforms, order: str) -> list[Any]:
    """The sagas of its parcels."""
    found: list[Any] = whole.http.get(f"/sagas/{order}")["children"]
    return found


def stock(whole: Platforms, sku: str) -> tuple[int, int, int]:
    """On hand, reserved, shipped, wherever it is."""
    query = "SELECT sum(on_hand), sum(reserved), sum(shipped) FROM stock WHERE sku = :sku"
    (row,) = whole.rows("inventory", query, sku=sku)
    return tuple(int(units) for units in row)  # type: ignore[return-value]


def test_two_parcels_are_paid_for_and_sent_each_by_itself(whole: Platforms) -> None:
    order = split(whole, "BOTH")
    assert whole.wait_ended([order]) == {order: "completed"}
    whole.wait_delivered()
    children = parcels(whole, order)
    assert [each["status"] for each in children] == ["completed", "completed"]
    references = [each["reference"] for each in whole.records("carrier")]
    assert [references.count(f"{order}/{number}") for number in (1, 2)] == [1, 1]
    shown = whole.http.get(f"/orders/{order}")
    assert shown["payment_status"] == "captured"
    assert {each["warehouse"] for each in shown["parcels"]} == {"main", "north"}
    assert sum(each["amount"]["amount"] for each in shown["parcels"]) == shown["total"]["amount"]
    entries = whole.http.get(f"/ledgers/money/{order}")["entries"]
    captured = [e["money"]["amount"] for e in entries if e["operation"] == "capture"]
    assert sorted(captured) == [3998, 3998]
    wait_until("it is delivered", lambda: _delivered(whole, order))
    assert (stock(whole, "BOTH-MAIN"), stock(whole, "BOTH-NORTH")) == ((8, 0, 2), (8, 0, 2))
    told = "\n".join(whole.http.get(f"/sagas/{order}/why")["lines"])
    assert "Parcel 2 of 2:" in told
    assert whole.breaches() == []


def test_parcels_that_no_carrier_takes_are_paid_back_when_a_person_says_so(
    whole: Platforms,
) -> None:
    """The order waits for both; one is given up, then the other."""
    order = split(whole, "NONE", postcode="SIM-REFUSE")
    wait_until("both wait for a person", lambda: len(_reviews(whole, order)) == 2)
    assert whole.http.get(f"/sagas/{order}")["step"] == "ship parcels"
    for review in _reviews(whole, order):
        decided = {"choice": "undo", "reason": "no carrier goes there"}
        whole.http.call("POST", f"/reviews/{review['id']}/decision", decided)
    assert whole.wait_ended([order]) == {order: "completed"}
    assert [each["status"] for each in parcels(whole, order)] == ["undone", "undone"]
    whole.wait_delivered()
    shown = whole.http.get(f"/orders/{order}")
    assert [each["state"] for each in shown["parcels"]] == ["given up", "given up"]
    assert (shown["payment_status"], shown["refunded"]["amount"]) == ("refunded", 7996)
    assert (stock(whole, "NONE-MAIN"), stock(whole, "NONE-NORTH")) == ((10, 0, 0), (10, 0, 0))
    assert whole.breaches() == []


def _reviews(whole: Platforms, order: str) -> list[Any]:
    """What a person is asked about this order."""
    return [each for each in whole.http.get("/reviews")["reviews"] if each["order_id"] == order]


def _delivered(whole: Platforms, order: str) -> bool:
    return bool(whole.http.get(f"/orders/{order}")["fulfilment_status"] == "delivered")
