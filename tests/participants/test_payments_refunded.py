"""Payments gives back parts of what was taken: each once, and never more than there is."""

from datetime import timedelta
from typing import Any

import pytest

from contracts.messages.payments import (
    PaymentRefunded,
    PaymentStatusUnknown,
    QueryRefund,
    RefundFailed,
)
from contracts.messages.values import Money, OrderId
from tests.participants.bench import Bench, new_order
from tests.participants.money import authorize, ledger
from tests.participants.refunding import PART, captured, part, refunds
from tests.simulators.running import Running, until

pytestmark = pytest.mark.usefixtures("switched_back")


def test_parts_are_given_back_and_add_up(desk: Bench, provider: Running) -> None:
    """Two parts; the ledger shows both; more than is left is refused, the rest is not."""
    order = captured(desk)
    for refund_id in ("r1", "r2"):
        refunded = desk.ask(part(order, refund_id))
        assert isinstance(refunded, PaymentRefunded)
        assert (refunded.refund_id, refunded.amount) == (refund_id, PART)
        assert refunded.reference.startswith("re_")
    refused = desk.ask(part(order, "r3", Money(amount=1000, currency="GBP")))
    assert (type(refused), refused.code) == (RefundFailed, "amount_too_large")
    assert isinstance(
        desk.ask(part(order, "r3", Money(amount=999, currency="GBP"))), PaymentRefunded
    )
    assert refunds(provider, order) == [500, 500, 999]
    assert ledger(desk, order)[3:] == [("refund", 500), ("refund", 500), ("refund", 999)]


def test_the_same_refund_under_many_ids_is_one(desk: Bench, provider: Running) -> None:
    """Asked for five times at once: given back once."""
    order = captured(desk)
    provider.switch(slow_seconds=0.2)
    desk.send_all([part(order, "r1") for _ in range(5)])
    until(lambda: isinstance(desk.ask(asked(order)), PaymentRefunded))
    assert refunds(provider, order) == [500]
    assert isinstance(desk.ask(part(order, "r1")), PaymentRefunded)
    assert refunds(provider, order) == [500]


def test_refunds_under_way_count(desk: Bench, provider: Running) -> None:
    """Three of five fit into what was taken, although none of them is certain yet."""
    order = captured(desk)
    provider.switch(silent=True)
    wishes = desk.send_all([part(order, f"r{number}") for number in range(5)])
    answers = [desk.answer(wish) for wish in wishes]
    assert [getattr(answer, "code", "") for answer in answers].count("amount_too_large") == 2
    assert sums(desk, order) == [(0, 1500)]
    provider.switch(silent=False)
    for number, answer in enumerate(answers):
        if isinstance(answer, PaymentStatusUnknown):
            query = QueryRefund(order_id=order, refund_id=f"r{number}")
            assert isinstance(desk.ask(query), PaymentRefunded)
    assert (refunds(provider, order), sums(desk, order)) == ([500, 500, 500], [(1500, 0)])


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [(0, "GBP", "amount_invalid"), (-1, "GBP", "amount_invalid"), (5, "EUR", "amount_invalid")],
)
def test_an_amount_that_cannot_be_is_refused(
    desk: Bench, amount: int, currency: str, code: str
) -> None:
    """Nothing, less than nothing and another currency."""
    order = captured(desk)
    assert desk.ask(part(order, "r1", Money(amount=amount, currency=currency))).code == code


def test_nothing_is_given_back_of_what_was_not_taken(desk: Bench, provider: Running) -> None:
    """An order that is only held, and one nobody knows."""
    order = new_order()
    assert desk.ask(part(order, "r1")).code == "not_taken"
    desk.ask(authorize(order))
    assert desk.ask(part(order, "r1")).code == "not_taken"
    assert isinstance(desk.ask(asked(order)), PaymentStatusUnknown)
    assert refunds(provider, order) == []


def test_a_refused_refund_is_remembered_and_tried_anew(desk: Bench, provider: Running) -> None:
    """The provider's code, again when asked; another attempt may do, and the sums are right."""
    order = captured(desk)
    provider.switch(refunds="refused")
    refused = desk.ask(part(order, "r1"))
    assert (type(refused), refused.code) == (RefundFailed, "refund_refused")
    provider.switch(refunds="")
    assert desk.ask(asked(order)) == refused
    assert sums(desk, order) == [(0, 0)]
    assert isinstance(desk.ask(part(order, "r1")), PaymentRefunded)
    assert sums(desk, order) == [(500, 0)]


@pytest.mark.parametrize("fault", [{"silent": True}, {"refunds": "lost"}])
def test_a_lost_refund_is_unknown_and_found_later(
    desk: Bench, provider: Running, fault: dict[str, Any]
) -> None:
    """Before its effect or after: unknown, then found by the same key; given back once."""
    order = captured(desk)
    provider.switch(**fault)
    assert isinstance(desk.ask(part(order, "r1")), PaymentStatusUnknown)
    provider.switch(silent=False, refunds="")
    assert isinstance(desk.ask(asked(order)), PaymentRefunded)
    assert refunds(provider, order) == [500]


def test_what_queries_find_out_is_published_once(desk: Bench, provider: Running) -> None:
    """Three queries after a lost answer: one event says that the money is given back."""
    order = captured(desk)
    provider.switch(refunds="lost")
    desk.ask(part(order, "r1"))
    for query in desk.send_all([asked(order) for _ in range(3)]):
        assert isinstance(desk.answer(query), PaymentRefunded)
    published = "SELECT envelope->>'type' FROM outbox WHERE envelope->>'subject' = :order"
    told = [kind for (kind,) in desk.rows(published, order=order)]
    assert told.count("concerto.PaymentRefunded.v1") == 1


def test_the_refund_behind_a_500_is_looked_up(desk: Bench, provider: Running) -> None:
    """The replayed 500 does not hide the refund."""
    order = captured(desk)
    provider.switch(refunds="broken")
    assert isinstance(desk.ask(part(order, "r1")), PaymentRefunded)
    assert refunds(provider, order) == [500]


def test_a_pending_refund_is_read_anew(desk: Bench, provider: Running) -> None:
    """The create would say pending for ever; how the refund stands now is what counts."""
    order = captured(desk)
    provider.switch(refunds="pending")
    assert isinstance(desk.ask(part(order, "r1")), PaymentRefunded)


def test_a_refund_that_is_not_found_for_long_has_failed(desk: Bench, provider: Running) -> None:
    """A day later nothing is created by asking again; the refund is not there."""
    order = captured(desk)
    provider.switch(silent=True)
    desk.ask(part(order, "r1"))
    provider.switch(silent=False)
    change = "UPDATE refunds SET asked_at = asked_at - :by WHERE order_id = :id"
    desk.rows(change, by=timedelta(days=1), id=order)
    assert desk.ask(asked(order)).code == "not_found"
    assert (refunds(provider, order), sums(desk, order)) == ([], [(0, 0)])


def asked(order: OrderId) -> QueryRefund:
    """What became of the first refund?"""
    return QueryRefund(order_id=order, refund_id="r1")


def sums(desk: Bench, order: OrderId) -> list[tuple[Any, ...]]:
    """What is given back, and what is on its way."""
    return desk.rows("SELECT refunded, refunding FROM payments WHERE order_id = :id", id=order)
