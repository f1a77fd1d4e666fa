"""What the HTTP edge says of shipments and carriers, and who may change a carrier."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from contracts.messages.shipping import StopShipping
from participants.shipping.handlers import shipping
from participants.shipping.http import routes
from tests.edge import bearer, client_of
from tests.participants.bench import Bench, bench, migrated, new_order

HAWK = {"path": "hawk/v2", "rank": 9, "countries": ["CH", "AT"], "enabled": False}


@pytest.fixture
def desk(postgres: str) -> Iterator[Bench]:
    """Shipping at work."""
    with bench(shipping, migrated(postgres)) as at_work:
        yield at_work


@pytest.fixture
def http(desk: Bench, signed: None) -> Iterator[TestClient]:
    """The routes of shipping, called by an operator."""
    with client_of(routes(desk.host.db), headers=role("operator")) as client:
        yield client


def role(name: str) -> dict[str, str]:
    """A caller in this role."""
    return {"Authorization": bearer(name)}


def carriers(http: TestClient) -> dict[str, dict[str, Any]]:
    """The carriers as they are shown, by id and in order."""
    return {each.pop("id"): each for each in http.get("/carriers").json()["carriers"]}


def test_one_begins_with_three_carriers(http: TestClient) -> None:
    """The first serves every country."""
    shown = carriers(http)
    assert [name for name in shown if name != "hawk"] == ["standard", "royal", "swift"]
    assert shown["standard"]["countries"] == []
    assert all(shown[name]["enabled"] for name in ("standard", "royal", "swift"))


def test_a_carrier_is_added_and_changed(http: TestClient, desk: Bench) -> None:
    """By its id; the same put twice is the same carrier."""
    try:
        for wanted in (HAWK, HAWK, {**HAWK, "rank": 10}):
            assert http.put("/carriers/hawk", json=wanted).json() == {"id": "hawk", **wanted}
        assert carriers(http)["hawk"] == {**HAWK, "rank": 10}
    finally:
        desk.rows("DELETE FROM carriers WHERE id = 'hawk'")


@pytest.mark.parametrize(
    "wrong",
    [
        *({"path": path} for path in ("", "/a", "a/", "../a", "a?b", "a b", "http://a")),
        *({"countries": names} for names in (["gb"], ["GBR"], "GB", ["GB"] * 301)),
        *({"rank": rank} for rank in (-1, 1_000_001, "1", 1.5)),
        {"enabled": None},
        {"more": 1},
    ],
)
def test_a_wrong_carrier_is_refused(http: TestClient, wrong: dict[str, Any]) -> None:
    """422, and nothing is changed."""
    assert http.put("/carriers/hawk", json={**HAWK, **wrong}).status_code == 422
    assert "hawk" not in carriers(http)


def test_a_shipment_is_shown(http: TestClient, desk: Bench) -> None:
    """To shop, support and operator; neither its contact nor its keys are told."""
    order = new_order()
    desk.ask(StopShipping(order_id=order))
    for name in ("shop", "support", "operator"):
        shown = http.get(f"/shipments/{order}", headers=role(name)).json()
        assert (shown["order_id"], shown["state"], shown["tracking"]) == (order, "stopped", "")
        assert not {"contact_id", "key", "stop"} & set(shown)


def test_what_is_not_there_is_said(http: TestClient) -> None:
    """404 for an order without a shipment, 422 for what is no id."""
    assert http.get(f"/shipments/{new_order()}").status_code == 404
    assert http.get("/shipments/1").status_code == 422
    assert http.put("/carriers/A", json=HAWK).status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "roles"),
    [
        ("GET", "/shipments/00000000-0000-8000-8000-000000000000", {"shop", "support", "operator"}),
        ("GET", "/carriers", {"shop", "support", "operator"}),
        ("PUT", "/carriers/hawk", {"operator"}),
    ],
)
def test_who_may(http: TestClient, method: str, path: str, roles: set[str]) -> None:
    """401 without a token, 403 in any other role."""
    every = ("shop", "support", "risk", "operator", "service")
    told = {name: http.request(method, path, headers=role(name)).status_code for name in every}
    assert {name for name, status in told.items() if status != 403} == roles
    assert http.request(method, path, headers={"Authorization": ""}).status_code == 401
