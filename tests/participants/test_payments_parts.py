"""Several parcels of an order take their parts of one hold, each once, or give them back."""

from typing import Any

import pytest

from contracts.messages.base import Message
from contracts.messages.payments import (
    AuthorizePayment,
    CapturePayment,
    ClosePayment,
    PaymentCaptured,
    PaymentClosed,
    PaymentFailed,
    PaymentNotTaken,
    PaymentReturned,
    PaymentStatusUnknown,
    QueryCapture,
    RefundFailed,
    RefundPayment,
    ReturnPayment,
)
from contracts.messages.values import Money, OrderId
from tests.participants.bench import Bench, new_order
from tests.participants.money import authorize, ledger, statuses
from tests.simulators.running import Running, until


def pence(amount: int) -> Money:
    return Money(amount=amount, currency="GBP")


def part(order: OrderId, parcel: int, amount: int) -> CapturePayment:
    return CapturePayment(order_id=order, amount=pence(amount), parcel=parcel)


def back(order: OrderId, parcel: int, amount: int) -> ReturnPayment:
    name = f"parcel {parcel}"
    return ReturnPayment(order_id=order, refund_id=name, parcel=parcel, amount=pence(amount))


def query(order: OrderId, parcel: int) -> QueryCapture:
    return QueryCapture(order_id=order, parcel=parcel, refund_id=f"parcel {parcel}")


def held(desk: Bench, **more: Any) -> OrderId:
    """An order for which 19.99 is held."""
    order = new_order()
    desk.ask(AuthorizePayment(**{**vars(authorize(order)), **more}))
    return order


def received(provider: Running, order: OrderId) -> tuple[int, str]:
    """What the provider has taken for the order, and how the hold stands."""
    intents = [r["intent"] for r in provider.records(kind="intent")]
    last = next(i for i in reversed(intents) if i["metadata"]["order_id"] == order)
    return last["amount_received"], last["status"]


def taken(order: OrderId, parcel: int, amount: int, answer: Message) -> None:
    assert isinstance(answer, PaymentCaptured), answer
    assert (answer.amount, answer.parcel) == (pence(amount), parcel)


def test_each_parcel_takes_its_part_and_the_last_ends_the_hold(
    desk: Bench, provider: Running
) -> None:
    """At the same time; the parts add up to what was held, in the ledger and at the provider."""
    order = held(desk)
    one, two = desk.send_all([part(order, 1, 1200), part(order, 2, 799)])
    taken(order, 1, 1200, desk.answer(one))
    taken(order, 2, 799, desk.answer(two))
    assert received(provider, order) == (1999, "succeeded")
    assert desk.ask(ClosePayment(order_id=order)) == PaymentClosed(
        order_id=order, taken=pence(1999)
    )
    sums = {
        name: sum(a for n, a in ledger(desk, order) if n == name) for name, _ in ledger(desk, order)
    }
    assert sums == {"hold": 1999, "settle": 1999, "capture": 1999}


def test_a_part_is_taken_once_however_often_it_is_asked_for(desk: Bench, provider: Running) -> None:
    """Under the same id, under another, and asked about."""
    order = held(desk)
    first = desk.send(part(order, 1, 500))
    taken(order, 1, 500, desk.answer(first))
    desk.host.receive([first])
    taken(order, 1, 500, desk.ask(part(order, 1, 500)))
    taken(order, 1, 500, desk.ask(query(order, 1)))
    assert received(provider, order) == (500, "requires_capture")


def test_what_no_parcel_takes_is_let_go_of_when_all_have_ended(
    desk: Bench, provider: Running
) -> None:
    order = held(desk)
    desk.ask(part(order, 1, 500))
    assert desk.ask(back(order, 2, 1499)) == PaymentReturned(
        order_id=order, amount=pence(0), parcel=2
    )
    closed = PaymentClosed(order_id=order, taken=pence(500))
    assert desk.ask(ClosePayment(order_id=order)) == closed
    assert received(provider, order) == (500, "succeeded")
    assert ledger(desk, order)[-1] == ("release", 1499)
    assert desk.ask(ClosePayment(order_id=order)) == closed, "asked again, the same"


def test_where_nothing_was_taken_the_whole_hold_is_let_go_of(
    desk: Bench, provider: Running
) -> None:
    order = held(desk)
    desk.ask(back(order, 1, 1200))
    desk.ask(back(order, 2, 799))
    assert desk.ask(ClosePayment(order_id=order)) == PaymentClosed(order_id=order, taken=pence(0))
    assert statuses(provider, order) == ["canceled"]


def test_a_part_that_was_taken_is_given_back_and_the_others_are_kept(
    desk: Bench, provider: Running
) -> None:
    order = held(desk)
    desk.ask(part(order, 1, 1200))
    desk.ask(part(order, 2, 799))
    given = desk.ask(back(order, 2, 799))
    assert given == PaymentReturned(order_id=order, amount=pence(799), parcel=2)
    assert desk.ask(query(order, 2)) == given
    refunds = [r["refund"]["amount"] for r in provider.records(kind="refund")]
    assert refunds[-1:] == [799]
    assert isinstance(desk.ask(part(order, 2, 799)), PaymentNotTaken)
    taken(order, 1, 1200, desk.ask(query(order, 1)))


def test_a_return_that_comes_first_keeps_the_part_from_being_taken(
    desk: Bench, provider: Running
) -> None:
    order = held(desk)
    desk.ask(back(order, 1, 1200))
    assert isinstance(desk.ask(part(order, 1, 1200)), PaymentNotTaken)
    assert received(provider, order) == (0, "requires_capture")


def test_more_than_is_held_is_refused(desk: Bench, provider: Running) -> None:
    """By ourselves, and by the provider where other parts have taken it."""
    order = held(desk)
    answer = desk.ask(part(order, 1, 2000))
    assert (type(answer), answer.code) == (PaymentFailed, "amount_not_held")
    desk.ask(part(order, 2, 1500))
    assert isinstance(desk.ask(part(order, 1, 600)), PaymentFailed)
    taken(order, 1, 499, desk.ask(part(order, 1, 499)))
    assert received(provider, order) == (1999, "succeeded")


@pytest.mark.parametrize("broken", ["before", "after"])
def test_a_part_whose_answer_is_an_error_is_found_out(
    desk: Bench, provider: Running, broken: str
) -> None:
    """The mark in the payment intent tells; where it is not there, nobody guesses."""
    order = held(desk)
    provider.switch(break_changes=broken)
    answer = desk.ask(part(order, 1, 500))
    provider.switch(break_changes="")
    if broken == "after":
        return taken(order, 1, 500, answer)
    assert isinstance(answer, PaymentStatusUnknown)
    assert isinstance(desk.ask(query(order, 1)), PaymentStatusUnknown), "its 500 is replayed"
    aged = "UPDATE captures SET asked_at = asked_at - interval '2 min' WHERE order_id = :id"
    desk.rows(aged, id=order)
    taken(order, 1, 500, desk.ask(query(order, 1)))
    assert received(provider, order)[0] == 500
    return None


def test_a_part_under_way_is_neither_taken_twice_nor_given_up(
    desk: Bench, provider: Running
) -> None:
    """What is still travelling when the answer is given up is found later, and given back."""
    order = held(desk)
    provider.switch(slow_seconds=1.0)
    answer = desk.ask(part(order, 1, 500))
    provider.switch(slow_seconds=0.0)
    assert isinstance(answer, PaymentStatusUnknown | PaymentCaptured)
    until(lambda: received(provider, order)[0] == 500)
    assert desk.ask(back(order, 1, 500)).amount == pence(500)
    assert received(provider, order)[0] == 500


def test_a_refused_refund_of_a_part_is_tried_anew(desk: Bench, provider: Running) -> None:
    order = held(desk)
    desk.ask(part(order, 1, 500))
    provider.switch(refunds="refused")
    assert isinstance(desk.ask(back(order, 1, 500)), RefundFailed)
    provider.switch(refunds="")
    taken(order, 1, 500, desk.ask(query(order, 1)))
    assert desk.ask(back(order, 1, 500)).amount == pence(500)


def test_refunds_are_spread_over_what_the_parcels_took(desk: Bench, provider: Running) -> None:
    """Never more than all of them together."""
    order = held(desk)
    desk.ask(part(order, 1, 1200))
    first = RefundPayment(order_id=order, refund_id="r1", amount=pence(1300))
    assert isinstance(desk.ask(first), RefundFailed)
    desk.ask(part(order, 2, 799))
    again = RefundPayment(order_id=order, refund_id="r1", amount=pence(1300))
    assert desk.ask(again).amount == pence(1300)
    more = RefundPayment(order_id=order, refund_id="r2", amount=pence(700))
    assert isinstance(desk.ask(more), RefundFailed)


def test_a_part_is_not_given_back_where_less_than_it_is_left(
    desk: Bench, provider: Running
) -> None:
    """A person is asked rather than the others' money given away."""
    order = held(desk)
    desk.ask(part(order, 1, 1200))
    desk.ask(part(order, 2, 799))
    desk.ask(RefundPayment(order_id=order, refund_id="r1", amount=pence(1300)))
    answer = desk.ask(back(order, 1, 1200))
    assert isinstance(answer, RefundFailed)
    assert (answer.code, answer.reason) == ("amount_too_large", "only 699 is left to refund")
    assert desk.ask(back(order, 2, 699 + 100)).code == "amount_too_large"


def test_a_cancelled_order_keeps_nothing_of_what_its_parcels_took(
    desk: Bench, provider: Running
) -> None:
    order = held(desk)
    desk.ask(part(order, 1, 1200))
    whole = ReturnPayment(order_id=order, refund_id="cancel")
    assert desk.ask(whole).amount == pence(1200)
    assert isinstance(desk.ask(part(order, 2, 799)), PaymentNotTaken)
    assert received(provider, order) == (1200, "succeeded")


@pytest.mark.parametrize("refused_before", [False, True])
def test_of_a_cancelled_order_no_part_is_taken_and_nobody_is_asked(
    desk: Bench, provider: Running, refused_before: bool
) -> None:
    """Nothing was taken yet: that is no failure, but what was wanted."""
    order = held(desk)
    if refused_before:
        assert isinstance(desk.ask(part(order, 1, 2000)), PaymentFailed)
    desk.ask(ReturnPayment(order_id=order, refund_id="cancel"))
    assert desk.ask(part(order, 1, 1200)) == PaymentNotTaken(order_id=order)
    assert statuses(provider, order) == ["canceled"]


def test_a_wallet_is_captured_once_with_the_first_parcel(desk: Bench, provider: Running) -> None:
    """For all that is not given up; each parcel's part counts as taken, and goes back alone."""
    order = held(desk, method="wallet")
    desk.ask(back(order, 3, 99))
    taken(order, 1, 1200, desk.ask(part(order, 1, 1200)))
    assert received(provider, order) == (1900, "succeeded")
    taken(order, 2, 700, desk.ask(part(order, 2, 700)))
    assert desk.ask(back(order, 2, 700)).amount == pence(700)
    closed = desk.ask(ClosePayment(order_id=order))
    assert closed == PaymentClosed(order_id=order, taken=pence(1900))


def test_a_wallet_that_is_not_captured_refuses_the_part(desk: Bench, provider: Running) -> None:
    """For certain, so that a person is asked and it can be tried again."""
    order = held(desk, method="wallet")
    desk.rows("UPDATE payments SET amount = amount + 1 WHERE order_id = :id", id=order)
    answer = desk.ask(part(order, 1, 1200))  # the provider holds less than is asked for
    assert isinstance(answer, PaymentFailed)
    desk.rows("UPDATE payments SET amount = amount - 1 WHERE order_id = :id", id=order)
    taken(order, 1, 1200, desk.ask(part(order, 1, 1200)))
    assert received(provider, order) == (1999, "succeeded")


def test_an_invoice_is_written_part_by_part(desk: Bench) -> None:
    order = held(desk, method="invoice")
    taken(order, 1, 1200, desk.ask(part(order, 1, 1200)))
    desk.ask(back(order, 2, 799))
    assert desk.ask(ClosePayment(order_id=order)).taken == pence(1200)
    names = [name for name, _ in ledger(desk, order)]
    assert names == ["owe", "bill", "invoice", "waive"]


def test_no_refund_is_looked_for_where_nothing_was_given_back(desk: Bench) -> None:
    """A query for each parcel would be one too many."""
    orders = [held(desk, method="invoice") for _ in range(3)]
    assert desk.statements([part(order, 1, 1200) for order in orders], "refunds") == 0
    assert desk.statements([query(order, 1) for order in orders], "refunds") == 1
