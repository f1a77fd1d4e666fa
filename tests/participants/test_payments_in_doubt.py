"""What payments does when the provider does not say: it never guesses, and never charges twice."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.delivery.envelope import Envelope
from contracts.delivery.service import Done, Refused
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
from participants.payments import recording
from participants.payments.provider import Hold
from participants.payments.tables import Payment
from tests.participants.bench import Bench, new_order
from tests.participants.money import PRICE, authorize, charges, ledger, statuses
from tests.simulators.running import Running


@pytest.mark.parametrize("token", ["pm_sim_timeout_before", "pm_sim_timeout_after"])
def test_a_lost_answer_is_unknown_and_found_later(
    desk: Bench, provider: Running, token: str
) -> None:
    """Never failed; the query learns of the one charge, made before or by the repeat."""
    order = new_order()
    assert isinstance(desk.ask(authorize(order, token)), PaymentStatusUnknown)
    assert isinstance(desk.ask(QueryPayment(order_id=order)), PaymentAuthorized)
    assert statuses(provider, order) == ["requires_capture"]


@pytest.mark.parametrize("token", ["pm_sim_timeout_before", "pm_sim_timeout_after"])
def test_what_is_unknown_can_be_let_go_of(desk: Bench, provider: Running, token: str) -> None:
    """After a lost answer the void finds the charge and cancels it; none lands later."""
    order = new_order()
    desk.ask(authorize(order, token))
    assert isinstance(desk.ask(VoidPayment(order_id=order)), PaymentVoided)
    assert statuses(provider, order) == ["canceled"]


def test_what_queries_find_out_is_published_once(desk: Bench, provider: Running) -> None:
    """Three queries find the same charge: one event says so, whatever each was answered."""
    order = new_order()
    desk.ask(authorize(order, "pm_sim_timeout_after"))
    asked = desk.send_all([QueryPayment(order_id=order) for _ in range(3)])
    assert all(isinstance(desk.answer(each), PaymentAuthorized) for each in asked)
    published = "SELECT envelope->>'type' FROM outbox WHERE envelope->>'subject' = :order"
    assert desk.rows(published, order=order) == [("concerto.PaymentAuthorized.v1",)]


def test_unknown_for_long_stays_unknown(desk: Bench, provider: Running) -> None:
    """While the provider is silent, query and void are unknown too; then the void is obeyed."""
    order = new_order()
    wishes = (authorize(order, "pm_sim_unknown"), QueryPayment(order_id=order))
    for wish in (*wishes, VoidPayment(order_id=order), QueryPayment(order_id=order)):
        assert isinstance(desk.ask(wish), PaymentStatusUnknown)
    assert statuses(provider, order) == ["requires_capture"]
    provider.switch(unknown_silent=False)
    assert isinstance(desk.ask(QueryPayment(order_id=order)), PaymentVoided)
    assert statuses(provider, order) == ["canceled"]


def test_the_charge_behind_a_500_is_found(desk: Bench, provider: Running) -> None:
    """The replayed 500 does not hide the charge: it is found by the order's id."""
    order = new_order()
    assert isinstance(desk.ask(authorize(order, "pm_sim_500_after")), PaymentAuthorized)
    assert statuses(provider, order) == ["requires_capture"]


def test_not_found_is_believed_only_after_a_while(desk: Bench, provider: Running) -> None:
    """With the index behind, the charge is unknown, and gone only when that lasts."""
    order, other = new_order(), new_order()
    provider.switch(search_blind=True)
    for one in (order, other):
        assert isinstance(desk.ask(authorize(one, "pm_sim_500_after")), PaymentStatusUnknown)
        assert isinstance(desk.ask(QueryPayment(order_id=one)), PaymentStatusUnknown)
    aged(desk, other, timedelta(minutes=2))
    assert desk.ask(QueryPayment(order_id=other)).code == "not_found"
    provider.switch(search_blind=False)
    assert isinstance(desk.ask(QueryPayment(order_id=order)), PaymentAuthorized)


def test_a_key_the_provider_may_have_forgotten_is_not_used(desk: Bench, provider: Running) -> None:
    """A day later nothing is created by asking; the charge is looked for, and is not there."""
    order = new_order()
    desk.ask(authorize(order, "pm_sim_timeout_before"))
    aged(desk, order, timedelta(days=1))
    assert desk.ask(QueryPayment(order_id=order)).code == "not_found"
    assert charges(provider, order) == {}


def test_a_provider_that_is_down_is_no_refusal(desk: Bench, provider: Running) -> None:
    """503 to everything is unknown; once it is up, the query makes the charge."""
    order = new_order()
    provider.switch(down=True)
    assert isinstance(desk.ask(authorize(order)), PaymentStatusUnknown)
    provider.switch(down=False)
    assert isinstance(desk.ask(QueryPayment(order_id=order)), PaymentAuthorized)


def test_a_lost_capture_is_unknown_and_found_later(desk: Bench, provider: Running) -> None:
    """The money is taken once; what is being taken cannot be voided."""
    order = new_order()
    desk.ask(authorize(order))
    provider.switch(silent=True)
    assert isinstance(desk.ask(CapturePayment(order_id=order, amount=PRICE)), PaymentStatusUnknown)
    assert isinstance(desk.ask(VoidPayment(order_id=order)), PaymentStatusUnknown)
    provider.switch(silent=False)
    assert isinstance(desk.ask(QueryPayment(order_id=order)), PaymentCaptured)
    assert isinstance(desk.ask(VoidPayment(order_id=order)), PaymentStatusUnknown)
    assert statuses(provider, order) == ["succeeded"]


def test_a_broken_capture_is_read_and_else_tried_anew(desk: Bench, provider: Running) -> None:
    """A 500 after the effect is found out at once; one before it is asked anew later."""
    after, before = new_order(), new_order()
    for order, when in ((after, "after"), (before, "before")):
        desk.ask(authorize(order))
        provider.switch(break_changes=when)
        answer = desk.ask(CapturePayment(order_id=order, amount=PRICE))
        assert isinstance(answer, PaymentCaptured if when == "after" else PaymentStatusUnknown)
        provider.switch(break_changes="")
    assert isinstance(desk.ask(QueryPayment(order_id=before)), PaymentCaptured)
    assert statuses(provider, before) == ["succeeded"]


def test_a_broken_cancel_is_unknown_and_tried_anew(desk: Bench, provider: Running) -> None:
    """What is still held was not let go of, whatever was answered; the next void does it."""
    order = new_order()
    desk.ask(authorize(order))
    provider.switch(break_changes="before")
    assert isinstance(desk.ask(VoidPayment(order_id=order)), PaymentStatusUnknown)
    provider.switch(break_changes="after")
    assert isinstance(desk.ask(VoidPayment(order_id=order)), PaymentVoided)
    assert statuses(provider, order) == ["canceled"]


def test_a_hold_learned_twice_is_in_the_ledger_once(desk: Bench, provider: Running) -> None:
    """The same hold, told of again while it is let go of, is not posted again."""
    order = new_order()
    wish = desk.send(authorize(order))
    reference = desk.answer(wish).reference
    desk.rows("UPDATE payments SET state = 'letting_go' WHERE order_id = :id", id=order)
    _record(desk, wish, _hold(order, wish.id), Done(data={"reference": reference}))
    assert [operation for operation, _ in ledger(desk, order)] == ["hold"]


def test_a_stale_refusal_does_not_decide_about_a_new_charge(desk: Bench) -> None:
    """The outcome of an earlier attempt leaves the attempt under way as it is."""
    order = new_order()
    wish = desk.send(authorize(order))
    desk.answer(wish)
    desk.rows("UPDATE payments SET state = 'asking' WHERE order_id = :id", id=order)
    stale = _hold(order, "an earlier key")
    answer, state = _record(desk, wish, stale, Refused(reason="declined", code="card_declined"))
    assert (type(answer), state) == (PaymentStatusUnknown, "asking")


def test_a_hold_nobody_waits_for_is_let_go_of(desk: Bench) -> None:
    """A charge that shows up after it was given up becomes a wish to cancel it."""
    order = new_order()
    wish = desk.send(authorize(order, "pm_card_chargeDeclined"))
    desk.answer(wish)
    late = Done(data={"reference": "pi_late"})
    answer, state = _record(desk, wish, _hold(order, wish.id), late)
    assert (type(answer).__name__, answer.reference, state) == ("LetGo", "pi_late", "letting_go")


def aged(desk: Bench, order: OrderId, by: timedelta) -> None:
    """Let the order's hold have been asked for that much earlier."""
    change = "UPDATE payments SET asked_at = asked_at - :by WHERE order_id = :id"
    desk.rows(change, by=by, id=order)


def _hold(order: OrderId, key: str) -> Hold:
    asked = datetime.now(UTC)
    more: Any = {"amount": 1999, "currency": "GBP", "token": "pm_card_visa", "asked_at": asked}
    return Hold(key=key, order_id=order, **more)


def _record(desk: Bench, wish: Envelope, intent: Hold, outcome: Done | Refused) -> tuple[Any, str]:
    """What recording answers, and where the payment then stands."""
    with desk.host.db.transaction() as session:
        session.info["envelope"] = wish
        session.load(Payment, {intent.order_id})
        answer = recording.hold(intent, outcome, session)
        return answer, session.get(Payment, intent.order_id).state
