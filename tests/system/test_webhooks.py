"""The payment provider reports by webhook: it counts, and what is lost of it does not hurt."""

import urllib.request
from time import monotonic
from typing import Any

import pytest

from tests.system.conftest import TIME_SCALE, Platforms, wait_until

AUTHENTICATE = "pm_card_authenticationRequired"
QUERY_SECONDS = 30 * TIME_SCALE


def intent_of(whole: Platforms, order: str) -> Any:
    """The order's latest payment intent, as the provider has it on record."""
    found = [
        record["intent"]
        for record in whole.records("payment")
        if "intent" in record and record["intent"]["metadata"]["order_id"] == order
    ]
    return found[-1] if found else None


def to_authenticate(whole: Platforms) -> str:
    """An order whose customer is asked to authenticate, as the saga knows."""
    (order,) = whole.submit(1, token=AUTHENTICATE)
    wait_until("the customer is asked", lambda: is_asked(whole, order))
    return order


def is_asked(whole: Platforms, order: str) -> bool:
    """Whether the saga knows that the customer has to authenticate."""
    step = whole.step(order, "authorize payment")
    return bool(step.get("result") == "PaymentActionRequired")


def authenticate(whole: Platforms, order: str, outcome: str = "succeeded") -> None:
    """The customer agrees at the bank, or does not."""
    url = intent_of(whole, order)["next_action"]["redirect_to_url"]["url"]
    asked = urllib.request.Request(f"{url}?outcome={outcome}", data=b"", method="POST")
    with urllib.request.urlopen(asked) as answer:
        assert answer.status == 200


def asked(whole: Platforms, order: str) -> int:
    """How often payments was asked what came of the hold."""
    return int(whole.step(order, "authorize payment").get("asked", 0))


def confirmed_after(whole: Platforms, order: str) -> float:
    """The seconds from the customer's consent to the confirmation."""
    authenticate(whole, order)
    began = monotonic()
    wait_until(
        "it is confirmed", lambda: whole.step(order, "confirm order").get("status") == "done"
    )
    return monotonic() - began


def test_an_authenticated_payment_is_confirmed_by_the_webhook(whole: Platforms) -> None:
    """Without another question to payments, which would be asked every 30 s (scaled)."""
    order = to_authenticate(whole)
    before = asked(whole, order)
    seconds = confirmed_after(whole, order)
    print(f"\nconfirmed {seconds:.2f} s after the consent; queries come every {QUERY_SECONDS:g} s")
    assert asked(whole, order) == before
    assert whole.wait_ended([order]) == {order: "completed"}
    whole.wait_delivered()
    assert not whole.breaches()


@pytest.mark.parametrize("platform", ["valkey"], indirect=True)
def test_a_refusal_at_the_bank_undoes_the_order_by_the_webhook(whole: Platforms) -> None:
    """At once, too; nothing is held, and the order says why."""
    order = to_authenticate(whole)
    before = asked(whole, order)
    authenticate(whole, order, "failed")
    assert whole.wait_ended([order]) == {order: "undone"}
    assert asked(whole, order) == before
    assert "did not authenticate" in whole.http.get(f"/orders/{order}")["reason"]


@pytest.mark.parametrize("platform", ["valkey"], indirect=True)
@pytest.mark.parametrize("how", ["never", "early", "twice", "delayed"])
def test_a_webhook_that_is_lost_early_doubled_or_late_harms_nothing(
    whole: Platforms, how: str
) -> None:
    """Each order is paid once and completed; without webhooks the query finds out."""
    with whole.switched("payment", webhooks=how, webhook_delay_seconds=1.0):
        waiting = to_authenticate(whole)
        before = asked(whole, waiting)
        ids = whole.submit(20)
        confirmed_after(whole, waiting)
        assert how != "never" or asked(whole, waiting) > before
        ends = whole.wait_ended([waiting, *ids])
    assert set(ends.values()) == {"completed"}
    assert intent_of(whole, waiting)["status"] == "succeeded"
    whole.wait_delivered()
    assert not whole.breaches()
