"""One order through every process, and what an order that is sent twice becomes."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from deploy.client import Platform, Refused
from tests.system.conftest import Platforms


def test_an_order_goes_through_every_process(whole: Platforms) -> None:
    """Charged once, shipped once, mailed once, told to the CRM once, and counted once."""
    (order,) = whole.submit(1)
    assert whole.wait_ended([order]) == {order: "completed"}
    whole.wait_delivered()
    shown = whole.http.get(f"/orders/{order}")
    assert (shown["status"], shown["payment_status"]) == ("confirmed", "captured")
    assert shown["fulfilment_status"] in ("requested", "shipped", "delivered")
    assert [m["subject"] for m in whole.records("mail") if m["order_id"] == order] == [
        "Your order is confirmed"
    ]
    posts = [p["data"] for p in whole.records("crm") if p["data"].get("order_id") == order]
    assert [post["amount"] for post in posts] == [3998]
    assert [p["reference"] for p in whole.records("carrier")].count(order) == 1
    money = whole.http.get(f"/ledgers/money/{order}")["entries"]
    assert [entry["operation"] for entry in money] == ["hold", "settle", "capture"]
    assert "The order is completed." in whole.http.get(f"/sagas/{order}/why")["lines"]
    told = {each["subscriber"]: each["retries"] for each in whole.http.get("/consumers")}
    assert (told["email"]["attempts"], told["email"]["then"]) == (8, "dead letter")


def test_twins_in_flight_are_one_order(whole: Platforms) -> None:
    """Twenty at once under one key: one order, twenty equal answers; another body is refused."""
    order = whole.order()
    key = order.pop("key")
    http = whole.http

    def send(body: object) -> object:
        return http.call("POST", "/orders", body, **{"Idempotency-Key": key})

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(send, [order] * 20))
    assert len({str(answer) for answer in answers}) == 1
    with pytest.raises(Refused, match="another order"):
        send({**order, "customer_id": "somebody-else"})


def test_a_bad_order_is_refused_with_what_is_wrong(whole: Platforms) -> None:
    """Unknown fields, mixed currencies and missing lines are each named."""
    body = whole.order()
    key = {"Idempotency-Key": body.pop("key")}
    with pytest.raises(Refused, match="status: Extra inputs"):
        whole.http.call("POST", "/orders", {**body, "status": "confirmed"}, **key)
    with pytest.raises(Refused, match="currency"):
        whole.http.call("POST", "/orders", {**body, "currency": "EUR"}, **key)
    with pytest.raises(Refused, match="lines"):
        whole.http.call("POST", "/orders", {**body, "lines": []}, **key)


def test_nobody_gets_in_without_a_token_or_with_the_wrong_role(whole: Platforms) -> None:
    """401 and 403 say what is needed."""
    with pytest.raises(Refused, match="Who are you"):
        Platform(whole.stack.url, "nonsense").get("/sagas")
    from deploy.local import lifecycle

    customer = Platform(whole.stack.url, lifecycle.token(whole.stack, "customer", "c1"))
    with pytest.raises(Refused, match="support or risk or operator"):
        customer.get("/sagas")


def test_a_customer_sees_only_its_own_order(whole: Platforms) -> None:
    """A foreign order looks like a missing one."""
    from deploy.local import lifecycle

    (order,) = whole.submit(1, customer_id="owner")
    whole.wait_ended([order])
    mine = Platform(whole.stack.url, lifecycle.token(whole.stack, "customer", "owner"))
    other = Platform(whole.stack.url, lifecycle.token(whole.stack, "customer", "other"))
    assert mine.get(f"/orders/{order}")["id"] == order
    with pytest.raises(Refused, match="no such order"):
        other.get(f"/orders/{order}")


def test_the_last_unit_is_sold_once(whole: Platforms) -> None:
    """Twelve orders for one unit: one is completed, eleven are undone, nothing is held."""
    whole.http.call("PUT", "/stock/LAST", {"quantity": 1})
    price = {"amount": 100, "currency": "GBP"}
    lines = [{"sku": "LAST", "quantity": 1, "unit_price": price}]
    ends = whole.wait_ended(whole.submit(12, lines=lines))
    assert sorted(ends.values()) == ["completed", *["undone"] * 11]
    whole.wait_delivered()
    left = whole.http.get("/stock/LAST")
    assert (left["on_hand"], left["reserved"], left["shipped"]) == (0, 0, 1)
