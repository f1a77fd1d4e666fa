"""Stock on the whole stack: an order that waits for a line, and one whose line is not found."""

from typing import Any

import pytest

from tests.system.conftest import Platforms, wait_until
from tests.system.test_taking_back import refunds, saga, send_back, shown

pytestmark = pytest.mark.parametrize("platform", ["valkey"], indirect=True)


def of(sku: str, quantity: int) -> dict[str, Any]:
    """A line of an order."""
    return {"sku": sku, "quantity": quantity, "unit_price": {"amount": 500, "currency": "GBP"}}


def test_who_waits_is_served_when_it_comes_in_and_nobody_has_to_decide(whole: Platforms) -> None:
    """The question is open meanwhile, and withdrawn; all of it is charged and sent, from two
    warehouses."""
    whole.http.call("PUT", "/warehouses/north", {"name": "North", "rank": 5})
    whole.http.call("PUT", "/stock/RARE", {"quantity": 1})
    (order,) = whole.submit(1, lines=[of("RARE", 3)], accept_partial="backorder")
    whole.wait_ended([order])
    assert whole.states([order])[order] == "review"
    came_in = {"quantity": 5, "reason": "PO 1", "warehouse": "north"}
    whole.http.call("POST", "/stock/RARE/receipts", came_in, **{"Idempotency-Key": "po-1"})
    wait_until("it is completed", lambda: whole.states([order])[order] == "completed")
    whole.wait_delivered()
    wait_until("it is sent", lambda: whole.http.get("/stock/RARE")["shipped"] == 3)
    stands = whole.http.get("/stock/RARE")
    assert (stands["on_hand"], stands["reserved"], stands["backordered"]) == (3, 0, 0)
    assert not whole.breaches()


def test_what_is_not_found_is_written_off_and_paid_back(whole: Platforms) -> None:
    """Nothing is waited for, and the money of the line goes back once."""
    whole.http.call("PUT", "/stock/LOST", {"quantity": 2})
    (order,) = whole.submit(1, lines=[of("LOST", 2)])
    whole.wait_ended([order])
    whole.wait_delivered()
    before = sum(refunds(whole).values())
    line = [{"sku": "LOST", "quantity": 1}]
    told = {"lines": line, "received": False, "reason": "missing"}
    answer = send_back(whole, order, "missing", **told)
    assert send_back(whole, order, "missing", **told) == answer
    wait_until("it is paid back", lambda: saga(whole, answer) == "completed")
    whole.wait_delivered()
    assert sum(refunds(whole).values()) - before == 500
    stands = whole.http.get("/stock/LOST")
    assert (stands["shipped"], stands["adjusted"]) == (1, -1)
    assert shown(whole, order)["refunded"] == {"amount": 500, "currency": "GBP"}
    assert not whole.breaches()
