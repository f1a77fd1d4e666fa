"""Payments holds, lets go of and takes money once, and keeps a ledger of it."""

from collections import Counter

import pytest

from contracts.messages.payments import (
    CapturePayment,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentStatusUnknown,
    PaymentVoided,
    QueryPayment,
    VoidPayment,
)
from contracts.messages.values import Money
from participants.payments import http
from tests.edge import bearer, served
from tests.participants.bench import Bench, new_order
from tests.participants.money import PRICE, authorize, charges, ledger, statuses
from tests.simulators.running import Running, call, until


def test_a_hold_is_made_and_taken(desk: Bench, provider: Running) -> None:
    """Authorized, then captured: one charge at the provider, and the ledger says so."""
    order = new_order()
    held = desk.ask(authorize(order))
    ((reference, status),) = charges(provider, order).items()
    assert held == PaymentAuthorized(order_id=order, amount=PRICE, reference=reference)
    assert status == "requires_capture"
    taken = desk.ask(CapturePayment(order_id=order, amount=PRICE))
    assert taken == PaymentCaptured(order_id=order, amount=PRICE, reference=reference)
    assert charges(provider, order) == {reference: "succeeded"}
    assert ledger(desk, order) == [("hold", 1999), ("settle", 1999), ("capture", 1999)]


def test_the_same_wish_under_many_ids_is_one_charge(desk: Bench, provider: Running) -> None:
    """Five authorizes and five captures at once: one hold, taken once."""
    order = new_order()
    provider.switch(slow_seconds=0.2)
    wishes = [desk.send(authorize(order)) for _ in range(5)]
    until(lambda: isinstance(desk.ask(QueryPayment(order_id=order)), PaymentAuthorized))
    takes = [desk.send(CapturePayment(order_id=order, amount=PRICE)) for _ in range(5)]
    until(lambda: isinstance(desk.ask(QueryPayment(order_id=order)), PaymentCaptured))
    for wish in (*wishes, *takes):
        assert not isinstance(desk.answer(wish), PaymentFailed)
    assert statuses(provider, order) == ["succeeded"]
    assert [operation for operation, _ in ledger(desk, order)] == ["hold", "settle", "capture"]


def test_a_part_is_taken_and_more_is_not(desk: Bench, provider: Running) -> None:
    """More than is held is refused; a part is taken and the whole hold is settled."""
    order = new_order()
    desk.ask(authorize(order))
    for amount in (Money(amount=2000, currency="GBP"), Money(amount=5, currency="EUR")):
        assert desk.ask(CapturePayment(order_id=order, amount=amount)).code == "amount_not_held"
    part = Money(amount=1500, currency="GBP")
    assert desk.ask(CapturePayment(order_id=order, amount=part)).amount == part
    assert ledger(desk, order) == [("hold", 1999), ("settle", 1999), ("capture", 1500)]


def test_a_declined_card_has_failed_and_another_may_do(desk: Bench, provider: Running) -> None:
    """Declined: failed with the provider's code, nothing held; the next attempt is a new charge."""
    order = new_order()
    failed = desk.ask(authorize(order, "pm_card_chargeDeclined"))
    assert isinstance(failed, PaymentFailed)
    assert (failed.code, charges(provider, order)) == ("card_declined", {})
    assert desk.ask(QueryPayment(order_id=order)) == failed
    assert isinstance(desk.ask(authorize(order)), PaymentAuthorized)
    assert statuses(provider, order) == ["requires_capture"]


def test_a_hold_is_let_go_of(desk: Bench, provider: Running) -> None:
    """Voided twice: canceled once; whoever asks for the hold again is told that it was voided."""
    order = new_order()
    desk.ask(authorize(order))
    for _ in range(2):
        assert desk.ask(VoidPayment(order_id=order)) == PaymentVoided(order_id=order)
    assert statuses(provider, order) == ["canceled"]
    assert ledger(desk, order) == [("hold", 1999), ("release", 1999)]
    assert desk.ask(authorize(order)).code == "voided"
    assert desk.ask(CapturePayment(order_id=order, amount=PRICE)).code == "voided"
    assert len(charges(provider, order)) == 1


def test_a_void_that_comes_first_stands(desk: Bench, provider: Running) -> None:
    """Nothing is held when the authorize comes after its void."""
    order = new_order()
    assert isinstance(desk.ask(VoidPayment(order_id=order)), PaymentVoided)
    late = desk.ask(authorize(order))
    assert isinstance(late, PaymentFailed)
    assert (late.code, charges(provider, order)) == ("voided", {})


def test_a_void_during_the_hold_is_obeyed(desk: Bench, provider: Running) -> None:
    """While the provider still works on the hold, a void comes: nothing stays held."""
    order = new_order()
    provider.switch(slow_seconds=0.3)
    asked = desk.send(authorize(order))
    desk.send(VoidPayment(order_id=order))
    until(lambda: isinstance(desk.ask(VoidPayment(order_id=order)), PaymentVoided))
    assert isinstance(desk.answer(asked), PaymentFailed | PaymentStatusUnknown)
    until(lambda: statuses(provider, order) == ["canceled"])
    assert isinstance(desk.ask(QueryPayment(order_id=order)), PaymentVoided)
    assert ledger(desk, order) in ([], [("hold", 1999), ("release", 1999)])


def test_nothing_is_known_of_an_order_nobody_named(desk: Bench) -> None:
    """A query is unknown, for the authorize may still travel; a capture has nothing to take."""
    order = new_order()
    assert isinstance(desk.ask(QueryPayment(order_id=order)), PaymentStatusUnknown)
    assert desk.ask(CapturePayment(order_id=order, amount=PRICE)).code == "not_held"


def test_debits_equal_credits(desk: Bench) -> None:
    """Over everything these tests did, what was debited was credited."""
    desk.ask(authorize(new_order()))
    balances: Counter[str] = Counter()
    for debit, credit, amount in desk.rows("SELECT debit, credit, amount FROM money_entries"):
        balances.update({debit: amount, credit: -amount})
    assert balances["held_at_provider"] > 0
    assert sum(balances.values()) == 0


def test_the_ledger_cannot_be_changed(desk: Bench) -> None:
    """The role of the service may write entries, and neither change nor delete them."""
    may = "SELECT has_table_privilege('concerto_payments', 'payments.money_entries', :right)"
    rights = {right: desk.rows(may, right=right) for right in ("INSERT", "UPDATE", "DELETE")}
    assert rights == {"INSERT": [(True,)], "UPDATE": [(False,)], "DELETE": [(False,)]}


@pytest.mark.usefixtures("signed")
def test_the_ledger_is_shown_to_support_alone(desk: Bench) -> None:
    """Support sees the entries of an order; a shop is refused, and so is a stranger."""
    order = new_order()
    desk.ask(authorize(order))
    with served(http.routes(desk.host.db, desk.host)) as url:
        path = f"{url}/ledgers/money/{order}"
        assert call("GET", path)[0] == 401
        assert call("GET", path, Authorization=bearer("shop"))[0] == 403
        status, body = call("GET", path, Authorization=bearer("support"))
    ((operation, money),) = [(entry["operation"], entry["money"]) for entry in body["entries"]]
    assert (status, operation, money) == (200, "hold", {"amount": 1999, "currency": "GBP"})
