"""A customer who has to authenticate is sent to the bank, and the payment waits for the outcome."""

from typing import Any

import pytest

from contracts.messages.payments import (
    CapturePayment,
    PaymentActionRequired,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentVoided,
    QueryPayment,
    ReturnPayment,
    VoidPayment,
)
from contracts.messages.values import OrderId
from tests.participants.bench import Bench, new_order
from tests.participants.money import PRICE, authorize, ledger, statuses
from tests.participants.test_payments_renewed import expire
from tests.simulators.running import Running, call

TOKEN = "pm_card_authenticationRequired"


def asked(desk: Bench) -> PaymentActionRequired:
    """The answer to a new order whose customer must authenticate."""
    answer = desk.ask(authorize(new_order(), TOKEN))
    assert isinstance(answer, PaymentActionRequired)
    return answer


def decide(action: PaymentActionRequired, outcome: str) -> None:
    """The customer agrees, or does not."""
    assert call("POST", f"{action.url}?outcome={outcome}", b"")[0] == 200


def test_the_customer_agrees(desk: Bench, provider: Running) -> None:
    """Asked for until the customer has agreed; then authorized, and taken as any other."""
    action = asked(desk)
    order = action.order_id
    assert desk.ask(QueryPayment(order_id=order)) == action
    assert desk.ask(authorize(order, TOKEN)) == action
    assert ledger(desk, order) == []
    decide(action, "succeeded")
    assert isinstance(desk.ask(QueryPayment(order_id=order)), PaymentAuthorized)
    assert isinstance(desk.ask(CapturePayment(order_id=order, amount=PRICE)), PaymentCaptured)
    assert statuses(provider, order) == ["succeeded"]


def test_the_customer_refuses(desk: Bench, provider: Running) -> None:
    """Failed with the provider's code, and another card may do."""
    action = asked(desk)
    decide(action, "failed")
    failed = desk.ask(QueryPayment(order_id=action.order_id))
    assert isinstance(failed, PaymentFailed)
    assert failed.code == "payment_intent_authentication_failure"
    assert isinstance(desk.ask(authorize(action.order_id)), PaymentAuthorized)
    assert statuses(provider, action.order_id) == ["requires_capture"]


@pytest.mark.parametrize("undo", [VoidPayment, ReturnPayment])
def test_an_undo_while_the_customer_is_asked(desk: Bench, provider: Running, undo: Any) -> None:
    """The payment intent is canceled: the customer can agree no more, and nothing is held."""
    action = asked(desk)
    more = {"refund_id": "all"} if undo is ReturnPayment else {}
    desk.ask(undo(order_id=action.order_id, **more))
    assert isinstance(
        desk.ask(QueryPayment(order_id=action.order_id)), PaymentVoided | PaymentFailed
    )
    assert call("POST", f"{action.url}?outcome=succeeded", b"")[0] == 400
    assert (statuses(provider, action.order_id), ledger(desk, action.order_id)) == ([], [])


def test_a_customer_who_never_comes_back_is_not_waited_for(desk: Bench, provider: Running) -> None:
    """After four minutes the payment intent is canceled and the hold has failed, with the reason;
    an undo finds nothing to let go of."""
    action = asked(desk)
    order = action.order_id
    assert desk.ask(QueryPayment(order_id=order)) == action
    long_ago = "UPDATE payments SET asked_at = now() - interval '241 s' WHERE order_id = :order"
    desk.rows(long_ago, order=order)
    failed = desk.ask(QueryPayment(order_id=order))
    assert (type(failed), failed.code) == (PaymentFailed, "not_authenticated")
    assert call("POST", f"{action.url}?outcome=succeeded", b"")[0] == 400
    assert isinstance(desk.ask(VoidPayment(order_id=order)), PaymentVoided)
    assert (statuses(provider, order), ledger(desk, order)) == ([], [])
    assert published(desk, order) == [
        "concerto.PaymentActionRequired.v1",
        "concerto.PaymentFailed.v1",
        "concerto.PaymentVoided.v1",
    ]


def test_what_the_provider_gave_up_while_the_customer_was_asked(
    desk: Bench, provider: Running
) -> None:
    """Canceled by the provider: failed, nothing held, and another card may do."""
    action = asked(desk)
    ((reference,),) = desk.rows(
        "SELECT reference FROM payments WHERE order_id = :id", id=action.order_id
    )
    expire(provider, reference)
    assert desk.ask(QueryPayment(order_id=action.order_id)).code == "hold_expired"
    assert ledger(desk, action.order_id) == []
    assert isinstance(desk.ask(authorize(action.order_id)), PaymentAuthorized)


def test_what_the_customer_is_asked_is_published_once(desk: Bench) -> None:
    """However often queries repeat it."""
    action = asked(desk)
    for _ in range(3):
        desk.ask(QueryPayment(order_id=action.order_id))
    assert published(desk, action.order_id) == ["concerto.PaymentActionRequired.v1"]


def test_nobody_is_there_to_authenticate_a_renewal(desk: Bench, provider: Running) -> None:
    """An expired hold of such a card is declined anew: the capture has failed, nothing is held."""
    action = asked(desk)
    decide(action, "succeeded")
    expire(provider, desk.ask(QueryPayment(order_id=action.order_id)).reference)
    failed = desk.ask(CapturePayment(order_id=action.order_id, amount=PRICE))
    assert (type(failed), failed.code) == (PaymentFailed, "authentication_required")
    assert statuses(provider, action.order_id) == ["canceled"]


def published(desk: Bench, order: OrderId) -> list[str]:
    """The types of the events about this order."""
    query = (
        "SELECT envelope->>'type' FROM outbox WHERE envelope->>'subject' = :order ORDER BY position"
    )
    return [kind for (kind,) in desk.rows(query, order=order)]
