"""A large refund on the whole stack: it waits for a second person, and then the money goes back."""

from typing import Any

import pytest

from deploy.client import Answered, Platform
from deploy.local import lifecycle
from tests.system.conftest import Platforms, wait_until

pytestmark = pytest.mark.parametrize("platform", ["valkey"], indirect=True)
PRICE = 60_000


def person(whole: Platforms, name: str) -> Platform:
    """An operator of this name."""
    return Platform(whole.stack.url, lifecycle.token(whole.stack, "operator", name))


def large(whole: Platforms, **more: str) -> str:
    """An order of two units for 1,200.00."""
    price = {"amount": PRICE, "currency": "GBP"}
    lines = [{"sku": "SKU-1", "quantity": 2, "unit_price": price}]
    return whole.submit(1, lines=lines, **more)[0]


def send_back(who: Platform, order: str, key: str, units: int) -> str:
    """The saga of a return of so many units."""
    body = {"received": True, "lines": [{"sku": "SKU-1", "quantity": units}]}
    answer = who.call("POST", f"/orders/{order}/returns", body, **{"Idempotency-Key": key})
    return str(answer["saga_id"])


def saga(whole: Platforms, identity: str) -> Any:
    """The saga as it is shown."""
    return whole.http.get(f"/sagas/{identity}")


def refunded(whole: Platforms, order: str) -> int:
    """What the ledger says was given back."""
    entries = whole.http.get(f"/ledgers/money/{order}")["entries"]
    return sum(e["money"]["amount"] for e in entries if e["operation"] == "refund")


def test_a_large_refund_waits_for_a_second_person(whole: Platforms) -> None:
    """Half of it goes back at once; with the other half it is over 1,000.00: who asked for it
    cannot approve it, another can; the books are right and the audit is whole."""
    order, olga, otto = large(whole), person(whole, "olga"), person(whole, "otto")
    assert whole.wait_ended([order]) == {order: "completed"}
    first = send_back(olga, order, f"first-{order}", 1)
    wait_until("the first half is back", lambda: saga(whole, first)["status"] == "completed")
    second = send_back(olga, order, f"second-{order}", 1)
    wait_until("a person is asked", lambda: saga(whole, second)["status"] == "review")
    review = saga(whole, second)["review"]
    assert (review["owner"], review["not_by"]) == ("operator", ["olga"])
    decision = {"choice": "continue", "reason": "seen the goods"}
    with pytest.raises(Answered, match="a second person decides"):
        olga.call("POST", f"/reviews/{review['id']}/decision", decision)
    assert refunded(whole, order) == PRICE
    otto.call("POST", f"/reviews/{review['id']}/claim")
    otto.call("POST", f"/reviews/{review['id']}/decision", decision)
    wait_until("the second half is back", lambda: saga(whole, second)["status"] == "completed")
    assert refunded(whole, order) == 2 * PRICE
    mine = [row for row in otto.get("/audit")["audit"] if row["about"] == review["id"]]
    deeds = [row["action"] for row in mine]
    assert deeds == ["decide", "claim"]
    whole.wait_delivered()
    assert whole.breaches() == []


def test_a_large_cancel_waits_for_a_second_person(whole: Platforms) -> None:
    """The carrier does not want the parcel; who cancels the order does not let the money go."""
    order = large(whole, postcode="SIM-REFUSE")
    olga, otto = person(whole, "olga"), person(whole, "otto")

    def refused() -> bool:
        steps = {step["name"]: step for step in saga(whole, order).get("steps", ())}
        return bool(steps["start shipping"].get("refusals"))

    wait_until("the carrier has refused it", refused)
    cancel = olga.call("POST", f"/orders/{order}/cancel", {})["saga_id"]
    wait_until("a person is asked", lambda: saga(whole, cancel)["status"] == "review")
    review = saga(whole, cancel)["review"]
    assert (review["not_by"], review["choices"]) == (["olga"], ["continue"])
    decision = {"choice": "continue", "reason": "nothing was sent"}
    with pytest.raises(Answered, match="a second person decides"):
        olga.call("POST", f"/reviews/{review['id']}/decision", decision)
    assert refunded(whole, order) == 0
    otto.call("POST", f"/reviews/{review['id']}/decision", decision)
    wait_until("the money is back", lambda: saga(whole, cancel)["status"] == "completed")
    assert refunded(whole, order) == 2 * PRICE
    assert whole.http.get(f"/orders/{order}")["status"] == "cancelled"
