"""Orders cancelled and sent back on the whole stack: everything that was taken is given back."""

from collections import Counter
from typing import Any

import pytest

from deploy.client import Answered
from tests.system.conftest import Platforms, wait_until

pytestmark = pytest.mark.parametrize("platform", ["valkey"], indirect=True)


def shown(whole: Platforms, order: str) -> Any:
    """The order as it is shown."""
    return whole.http.get(f"/orders/{order}")


def cancel(whole: Platforms, order: str) -> Any:
    """Ask for it to be cancelled; asked again while it is being decided."""
    answers: list[Any] = []

    def accepted() -> bool:
        try:
            answers.append(whole.http.call("POST", f"/orders/{order}/cancel", {}))
        except Answered as error:
            if error.status != 409:
                raise
        return bool(answers)

    wait_until("the cancel is decided", accepted)
    return answers[-1]


def send_back(whole: Platforms, order: str, key: str, **body: Any) -> Any:
    """Ask for a return whose goods are there."""
    told = {"received": True, **body}
    return whole.http.call("POST", f"/orders/{order}/returns", told, **{"Idempotency-Key": key})


def saga(whole: Platforms, answer: Any) -> str:
    """How the saga of an answer stands."""
    query = "SELECT status FROM sagas WHERE id = :id"
    found = whole.rows("orchestrator", query, id=answer["saga_id"])
    return str(found[0].status)


def refunds(whole: Platforms) -> Counter[str]:
    """What the provider paid back, by intent."""
    paid: Counter[str] = Counter()
    for record in whole.records("payment"):
        if record["kind"] == "refund":
            paid[record["refund"]["payment_intent"]] += record["refund"]["amount"]
    return paid


def test_orders_cancelled_at_any_moment_are_sent_or_cancelled_and_never_both(
    whole: Platforms,
) -> None:
    """Cancelled as they run, at whatever step each is: what is cancelled holds no money and no
    stock and was not sent; what could not be cancelled was sent."""
    ids = whole.submit(30)
    answers = {order: cancel(whole, order) for order in ids}
    whole.wait_ended(ids)
    wait_until(
        "every cancel has ended",
        lambda: all(saga(whole, a) in ("completed", "undone") for a in answers.values()),
    )
    whole.wait_delivered()
    sent = {record["reference"] for record in whole.records("carrier")}
    for order in ids:
        status = shown(whole, order)["status"]
        assert status == ("confirmed" if order in sent else "cancelled")
    assert not whole.breaches()


def test_an_order_in_review_is_cancelled_and_the_question_is_withdrawn(whole: Platforms) -> None:
    """Nobody needs to decide any more, and a second cancel says the same."""
    price = {"amount": 2_000_000, "currency": "GBP"}
    line = {"sku": "SKU-1", "quantity": 1, "unit_price": price}
    (order,) = whole.submit(1, lines=[line])
    whole.wait_ended([order])
    assert shown(whole, order)["status"] == "review"
    cancel(whole, order)
    wait_until("it is undone", lambda: whole.states([order])[order] == "undone")
    assert cancel(whole, order)["status"] == "the order is being undone"
    whole.wait_delivered()
    assert shown(whole, order)["status"] == "cancelled"
    open_ones = [review["order_id"] for review in whole.http.get("/reviews")["reviews"]]
    assert order not in open_ones


def test_what_was_sent_comes_back_in_parts_until_nothing_is_left(whole: Platforms) -> None:
    """Each return is paid back once, however often it is asked for; more than was sent is refused;
    the sums of provider, ledger and order agree."""
    (order,) = whole.submit(1)
    whole.wait_ended([order])
    whole.wait_delivered()
    too_late = cancel(whole, order)
    wait_until("the cancel is refused", lambda: saga(whole, too_late) == "undone")
    before = sum(refunds(whole).values())
    one = [{"sku": "SKU-1", "quantity": 1}]
    first = send_back(whole, order, "first", lines=one)
    assert send_back(whole, order, "first", lines=one) == first
    with pytest.raises(Answered, match="another return"):
        send_back(whole, order, "first")
    wait_until("the first is through", lambda: saga(whole, first) == "completed")
    rest = send_back(whole, order, "rest")
    wait_until("the rest is through", lambda: saga(whole, rest) == "completed")
    more = send_back(whole, order, "more", lines=one)
    wait_until("more is refused", lambda: saga(whole, more) == "undone")
    whole.wait_delivered()
    assert sum(refunds(whole).values()) - before == 2 * 1999
    stands = shown(whole, order)
    assert stands["refunded"] == {"amount": 3998, "currency": "GBP"}
    assert (stands["payment_status"], stands["fulfilment_status"]) == ("refunded", "returned")
    assert not whole.breaches()


def test_a_customer_takes_back_only_orders_of_its_own(whole: Platforms) -> None:
    """A foreign order looks like a missing one."""
    from deploy.client import Platform
    from deploy.local import lifecycle

    (order,) = whole.submit(1, customer_id="owner-of-it")
    whole.wait_ended([order])
    other = Platform(whole.stack.url, lifecycle.token(whole.stack, "customer", "somebody"))
    for path in ("cancel", "returns"):
        with pytest.raises(Answered) as refused:
            other.call("POST", f"/orders/{order}/{path}", {}, **{"Idempotency-Key": "k"})
        assert refused.value.status == 404
