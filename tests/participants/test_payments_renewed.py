"""A hold that expired at the provider is made anew, once, when the money is to be taken."""

import pytest

from contracts.messages.payments import (
    CapturePayment,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentStatusUnknown,
    PaymentVoided,
    QueryPayment,
    VoidPayment,
)
from contracts.messages.values import OrderId
from tests.participants.bench import Bench, new_order
from tests.participants.money import PRICE, authorize, ledger, statuses
from tests.simulators.running import KEY, Running, form


def expire(provider: Running, reference: str) -> None:
    """Let the provider let go of a hold of its own accord."""
    path, bearer = f"/v1/payment_intents/{reference}/cancel", f"Bearer {KEY}"
    assert provider.post(path, form(), Authorization=bearer)[0] == 200


def held_and_lost(desk: Bench, provider: Running, token: str = "pm_card_visa") -> OrderId:
    """An order whose hold the provider let go of."""
    order = new_order()
    expire(provider, desk.ask(authorize(order, token)).reference)
    return order


def test_an_expired_hold_is_made_anew_and_taken(desk: Bench, provider: Running) -> None:
    """Captured in the end, by a second hold; the ledger releases the first one."""
    order = held_and_lost(desk, provider)
    assert isinstance(desk.ask(CapturePayment(order_id=order, amount=PRICE)), PaymentCaptured)
    assert statuses(provider, order) == ["canceled", "succeeded"]
    again = [("hold", 1999), ("settle", 1999), ("capture", 1999)]
    assert ledger(desk, order) == [("hold", 1999), ("release", 1999), *again]


def test_an_expired_hold_that_is_refused_anew_has_failed(desk: Bench, provider: Running) -> None:
    """The second hold is declined: failed with that code, nothing held, and not tried again."""
    order = held_and_lost(desk, provider, "pm_sim_declined_later")
    for _ in range(2):
        failed = desk.ask(CapturePayment(order_id=order, amount=PRICE))
        assert failed.code == "card_declined"
    assert statuses(provider, order) == ["canceled"]
    assert isinstance(desk.ask(VoidPayment(order_id=order)), PaymentVoided)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_renewal_in_doubt_is_asked_again(desk: Bench, provider: Running, when: str) -> None:
    """A capture that meets a 500 in the renewed hold is found out by the query."""
    order = held_and_lost(desk, provider)
    provider.switch(break_changes=when)
    desk.ask(CapturePayment(order_id=order, amount=PRICE))
    provider.switch(break_changes="")
    assert isinstance(desk.ask(QueryPayment(order_id=order)), PaymentCaptured)
    assert statuses(provider, order) == ["canceled", "succeeded"]


def test_a_renewal_without_an_answer_is_unknown(desk: Bench, provider: Running) -> None:
    """While the provider is silent nobody knows; then the query renews, takes, and says so."""
    order = held_and_lost(desk, provider)
    provider.switch(silent=True)
    assert isinstance(desk.ask(CapturePayment(order_id=order, amount=PRICE)), PaymentStatusUnknown)
    provider.switch(silent=False)
    assert isinstance(desk.ask(QueryPayment(order_id=order)), PaymentCaptured)
    assert statuses(provider, order) == ["canceled", "succeeded"]


def test_a_hold_is_renewed_once_alone(desk: Bench, provider: Running) -> None:
    """The renewed hold has expired too: the capture has failed for good."""
    order = held_and_lost(desk, provider)
    change = "UPDATE payments SET renewed = true WHERE order_id = :id"
    desk.rows(change, id=order)
    assert desk.ask(CapturePayment(order_id=order, amount=PRICE)).code == "hold_expired"
    assert isinstance(desk.ask(authorize(order)), PaymentAuthorized)
