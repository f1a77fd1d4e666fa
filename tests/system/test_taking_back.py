"""Orders cancelled and sent back on the whole stack: everything that was taken is given back."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from deploy.client import Answered
from tests.system.conftest import Platforms, wait_until
from tests.system.moments import Moment, moments

pytestmark = pytest.mark.parametrize("platform", ["valkey"], indirect=True)
CANCELLED, REFUSED = "cancelled", "refused"
OVER = ("completed", "undone")
EARLY = (
    *("not begun", "creating", "in fraud check", "in review", "reserving", "authorizing"),
    *("waiting for the customer", "committing stock"),
)
LATE = ("handing over", "shipped", "delivered")


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


@dataclass
class Told:
    """What is told to who cancels an order at a moment of its life, and what comes of it."""

    moment: str
    order: str
    first: str
    answer: Any = None
    outcome: str = ""
    parcels: int = 0
    kept: int = 0


def test_an_order_is_cancelled_at_every_moment_or_sent_and_never_both(whole: Platforms) -> None:
    """What is cancelled was not sent, and holds no money; what was sent is paid and stays so, and
    may be returned. Before its confirmation every order is cancelled, once it is on its way none.
    In between the carrier decides."""
    told = [cancelled_at(whole, name, moment) for name, moment in moments().items()]
    for one in told:
        settle(whole, one)
    print("", *map(line, told), sep="\n")
    outcomes = {one.moment: one.outcome for one in told}
    firsts = {one.moment: one.first for one in told if not one.first.startswith("accepted")}
    assert firsts == {
        "not begun": "409: the order has not begun yet",
        "confirming": "409: the order is being confirmed right now",
    }
    assert all(outcomes[name] == CANCELLED for name in EARLY)
    assert all(outcomes[name] == REFUSED for name in LATE)
    assert set(outcomes.values()) == {CANCELLED, REFUSED}
    for one in told:
        was_sent = one.outcome == REFUSED
        assert (one.parcels, bool(one.kept)) == (int(was_sent), was_sent), line(one)
    arrived = told[-1].order
    returned = send_back(whole, arrived, "arrived")
    wait_until("it is returned", lambda: saga(whole, returned) == "completed")
    whole.wait_delivered()
    assert shown(whole, arrived)["fulfilment_status"] == "returned"
    assert kept(whole, arrived) == 0
    assert not whole.breaches()


def cancelled_at(whole: Platforms, name: str, moment: Moment) -> Told:
    """Cancel an order at this moment; asked again later where that is being decided."""
    with moment(whole) as order:
        told = Told(name, order, "accepted")
        try:
            told.answer = whole.http.call("POST", f"/orders/{order}/cancel", {})
        except Answered as error:
            told.first = f"{error.status}: {str(error).partition('.')[0].lower()}"
    told.answer = told.answer or cancel(whole, order)
    return told


def settle(whole: Platforms, told: Told) -> None:
    """Wait until it is decided, and look at what the outside has done."""
    wait_until(
        f"the order cancelled when {told.moment} has ended",
        lambda: whole.states([told.order])[told.order] in OVER and saga(whole, told.answer) in OVER,
    )
    status = shown(whole, told.order)["status"]
    told.outcome = {"cancelled": CANCELLED, "confirmed": REFUSED}[status]
    told.parcels = [r["reference"] for r in whole.records("carrier")].count(told.order)
    told.kept = kept(whole, told.order)


def kept(whole: Platforms, order: str) -> int:
    """What the provider holds or has taken of the order, and has not given back."""
    intents = {
        record["intent"]["id"]: record["intent"]
        for record in whole.records("payment")
        if "intent" in record and record["intent"]["metadata"]["order_id"] == order
    }
    given = refunds(whole)
    return sum(
        intent["amount_capturable"] + intent["amount_received"] - given[identity]
        for identity, intent in intents.items()
    )


def line(told: Told) -> str:
    """One line of the table."""
    outside = f"parcels {told.parcels}, kept {told.kept}"
    return f"{told.moment:26}{told.first:44}{told.outcome:12}{outside}"


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
