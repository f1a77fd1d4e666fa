"""A returned payment holds nothing and keeps nothing, whatever it was doing when that was asked."""

import pytest

from contracts.messages.payments import (
    CapturePayment,
    PaymentFailed,
    PaymentNotTaken,
    PaymentReturned,
    PaymentStatusUnknown,
    QueryPayment,
    QueryRefund,
    RefundFailed,
    RefundPayment,
    ReturnPayment,
    VoidPayment,
)
from contracts.messages.values import Money, OrderId
from tests.participants.bench import Bench, new_order
from tests.participants.money import PRICE, authorize, charges, ledger, statuses
from tests.participants.refunding import ALL, PART, back, captured, part, refunds
from tests.simulators.running import Running, until

pytestmark = pytest.mark.usefixtures("switched_back")
NOTHING = Money(amount=0, currency="GBP")


def test_what_is_held_is_let_go_of(desk: Bench, provider: Running) -> None:
    """Returned twice: canceled once, nothing given back, and nothing is taken any more."""
    order = new_order()
    desk.ask(authorize(order))
    for _ in range(2):
        assert desk.ask(back(order)) == PaymentReturned(order_id=order, amount=NOTHING)
    assert desk.ask(CapturePayment(order_id=order, amount=PRICE)) == not_taken(order)
    assert desk.ask(QueryPayment(order_id=order)) == not_taken(order)
    assert statuses(provider, order) == ["canceled"]
    assert ledger(desk, order) == [("hold", 1999), ("release", 1999)]


def test_what_is_taken_is_given_back(desk: Bench, provider: Running) -> None:
    """What is not refunded yet is given back, once; a late capture takes nothing."""
    order = captured(desk)
    desk.ask(part(order, "r1"))
    for _ in range(2):
        returned = desk.ask(back(order))
        assert returned.amount == Money(amount=PRICE.amount - PART.amount, currency="GBP")
    assert sorted(refunds(provider, order)) == [500, 1499]
    assert ledger(desk, order)[3:] == [("refund", 500), ("refund", 1499)]
    assert desk.ask(CapturePayment(order_id=order, amount=PRICE)) == not_taken(order)
    assert desk.ask(part(order, "r2")).code == "returned"


def test_what_is_all_refunded_has_nothing_left_to_return(desk: Bench, provider: Running) -> None:
    """Returned with an amount of nothing, and no second refund at the provider."""
    order = captured(desk)
    desk.ask(RefundPayment(order_id=order, refund_id="r1", amount=PRICE))
    assert desk.ask(back(order)) == PaymentReturned(order_id=order, amount=NOTHING)
    assert refunds(provider, order) == [1999]


def test_a_return_that_comes_first_stands(desk: Bench, provider: Running) -> None:
    """Neither a late authorize nor a late capture does anything."""
    order = new_order()
    assert desk.ask(back(order)).amount.amount == 0
    assert isinstance(desk.ask(authorize(order)), PaymentFailed)
    assert desk.ask(CapturePayment(order_id=order, amount=PRICE)) == not_taken(order)
    assert charges(provider, order) == {}


@pytest.mark.parametrize("step", ["hold", "capture", "void"])
def test_a_return_waits_for_what_is_under_way(desk: Bench, provider: Running, step: str) -> None:
    """While the provider works on a hold, capture or void: nothing is kept in the end."""
    order = new_order()
    if step != "hold":
        desk.ask(authorize(order))
    provider.switch(slow_seconds=0.3)
    wish = {
        "hold": authorize(order),
        "capture": CapturePayment(order_id=order, amount=PRICE),
        "void": VoidPayment(order_id=order),
    }
    desk.send(wish[step])
    desk.ask(back(order))
    until(lambda: isinstance(desk.ask(QueryRefund(order_id=order, refund_id=ALL)), PaymentReturned))
    provider.switch(slow_seconds=0)
    kept = statuses(provider, order)
    assert kept == ["canceled"] or (kept == ["succeeded"] and refunds(provider, order) == [1999])
    assert desk.ask(CapturePayment(order_id=order, amount=PRICE)) == not_taken(order)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_return_after_a_lost_capture_never_guesses(
    desk: Bench, provider: Running, when: str
) -> None:
    """Whether the lost capture took the money or not: it is given back, or let go of."""
    order = new_order()
    desk.ask(authorize(order))
    provider.switch(**{"silent": True} if when == "before" else {"slow_seconds": 4})
    taken = desk.ask(CapturePayment(order_id=order, amount=PRICE))
    assert isinstance(taken, PaymentStatusUnknown)
    provider.switch(silent=False, slow_seconds=0)
    if when == "after":
        until(lambda: statuses(provider, order) == ["succeeded"])
    returned = desk.ask(back(order))
    assert returned.amount.amount == (1999 if when == "after" else 0)
    assert statuses(provider, order) == ["succeeded" if when == "after" else "canceled"]
    assert desk.ask(QueryPayment(order_id=order)) == not_taken(order)


def test_a_silent_provider_leaves_a_return_unknown(desk: Bench, provider: Running) -> None:
    """Unknown while nobody answers; the query goes on and publishes the return once."""
    order = new_order()
    desk.ask(authorize(order))
    provider.switch(silent=True)
    assert isinstance(desk.ask(back(order)), PaymentStatusUnknown)
    provider.switch(silent=False)
    for _ in range(2):
        assert isinstance(desk.ask(QueryRefund(order_id=order, refund_id=ALL)), PaymentReturned)
    published = "SELECT envelope->>'type' FROM outbox WHERE envelope->>'subject' = :order"
    told = [kind for (kind,) in desk.rows(published, order=order)]
    assert told.count("concerto.PaymentReturned.v1") == 1
    assert statuses(provider, order) == ["canceled"]


def test_a_return_waits_for_refunds_under_way(desk: Bench, provider: Running) -> None:
    """A part is on its way back: unknown until that is certain; then the rest is given back."""
    order = captured(desk)
    provider.switch(silent=True)
    desk.ask(part(order, "r1"))
    assert isinstance(desk.ask(back(order)), PaymentStatusUnknown)
    provider.switch(silent=False)
    desk.ask(QueryRefund(order_id=order, refund_id="r1"))
    returned = desk.ask(QueryRefund(order_id=order, refund_id=ALL))
    assert returned == PaymentReturned(order_id=order, amount=Money(amount=1499, currency="GBP"))
    assert sorted(refunds(provider, order)) == [500, 1499]


def test_a_return_gives_back_what_another_refund_did_not(desk: Bench, provider: Running) -> None:
    """The part on its way is refused in the end: the return gives all of it back."""
    order = captured(desk)
    provider.switch(silent=True)
    desk.ask(part(order, "r1"))
    desk.ask(back(order))
    provider.switch(silent=False, refunds="refused")
    desk.ask(QueryRefund(order_id=order, refund_id="r1"))
    provider.switch(refunds="")
    returned = desk.ask(QueryRefund(order_id=order, refund_id=ALL))
    assert returned == PaymentReturned(order_id=order, amount=PRICE)
    assert refunds(provider, order) == [1999]


def test_a_return_needs_an_id_of_its_own(desk: Bench, provider: Running) -> None:
    """The id of a part that was given back names no return; another does."""
    order = captured(desk)
    desk.ask(part(order, ALL))
    assert desk.ask(back(order)).code == "refund_id_used"
    assert desk.ask(ReturnPayment(order_id=order, refund_id="r2")).amount.amount == 1499
    assert refunds(provider, order) == [500, 1499]


def test_a_return_that_is_refused_is_tried_anew(desk: Bench, provider: Running) -> None:
    """Refused is remembered with the provider's code; the next attempt gives the money back."""
    order = captured(desk)
    provider.switch(refunds="refused")
    refused = desk.ask(back(order))
    assert (type(refused), refused.code) == (RefundFailed, "refund_refused")
    provider.switch(refunds="")
    assert desk.ask(QueryRefund(order_id=order, refund_id=ALL)) == refused
    assert desk.ask(back(order)) == PaymentReturned(order_id=order, amount=PRICE)
    assert refunds(provider, order) == [1999]


def not_taken(order: OrderId) -> PaymentNotTaken:
    """Nothing is taken of this order, for it was returned."""
    return PaymentNotTaken(order_id=order)
