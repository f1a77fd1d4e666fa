"""A wallet takes the card's path at the provider; an invoice asks nobody, with the same books."""

from collections import Counter

from contracts.messages.payments import (
    AuthorizePayment,
    CapturePayment,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentNotTaken,
    PaymentRefunded,
    PaymentReturned,
    PaymentVoided,
    QueryPayment,
    QueryRefund,
    VoidPayment,
)
from contracts.messages.values import Money, OrderId
from tests.participants.bench import Bench, new_order
from tests.participants.money import PRICE, charges, ledger
from tests.participants.refunding import ALL, back, part, refunds
from tests.simulators.running import Running

OWED, BILLED = [("owe", 1999)], [("bill", 1999), ("invoice", 1999)]


def pay(order: OrderId, method: str, token: str = "") -> AuthorizePayment:
    """Hold 19.99 in this way."""
    return AuthorizePayment(order_id=order, amount=PRICE, method=method, token=token)


def by_invoice(desk: Bench) -> OrderId:
    """An order that is paid later."""
    order = new_order()
    held = desk.ask(pay(order, "invoice"))
    assert held == PaymentAuthorized(order_id=order, amount=PRICE, reference=f"invoice-{order}")
    return order


def test_a_wallet_is_held_taken_and_refunded(desk: Bench, provider: Running) -> None:
    """As a card, with the wallet's payment method type at the provider."""
    order = new_order()
    assert isinstance(desk.ask(pay(order, "wallet", "pm_link")), PaymentAuthorized)
    assert isinstance(desk.ask(CapturePayment(order_id=order, amount=PRICE)), PaymentCaptured)
    assert isinstance(desk.ask(part(order, "r1")), PaymentRefunded)
    (intent,) = [
        record["intent"]
        for record in provider.records(kind="intent")
        if record["intent"]["metadata"]["order_id"] == order
        and record["intent"]["status"] == "succeeded"
    ]
    assert intent["payment_method_types"] == ["link"]
    assert refunds(provider, order) == [500]


def test_nobody_pays_by_other_means(desk: Bench) -> None:
    """An unknown method has failed, and a known one may do."""
    order = new_order()
    failed = desk.ask(pay(order, "shells"))
    assert (type(failed), failed.code) == (PaymentFailed, "method_unknown")
    assert isinstance(desk.ask(pay(order, "invoice")), PaymentAuthorized)


def test_an_invoice_is_owed_and_then_due(desk: Bench, provider: Running) -> None:
    """Authorized: owed; captured: a receivable; the provider hears of neither, even when down."""
    provider.switch(down=True)
    order = by_invoice(desk)
    assert ledger(desk, order) == OWED
    assert isinstance(desk.ask(QueryPayment(order_id=order)), PaymentAuthorized)
    assert isinstance(desk.ask(CapturePayment(order_id=order, amount=PRICE)), PaymentCaptured)
    assert ledger(desk, order) == OWED + BILLED
    assert balances(desk, order) == {"receivable_from_customer": 1999, "sales": -1999}
    assert charges(provider, order) == {}


def test_an_invoice_that_is_voided_is_owed_no_more(desk: Bench) -> None:
    """Waived, and nothing is left in the books."""
    order = by_invoice(desk)
    assert isinstance(desk.ask(VoidPayment(order_id=order)), PaymentVoided)
    assert ledger(desk, order) == [*OWED, ("waive", 1999)]
    assert balances(desk, order) == {}


def test_an_invoice_is_returned_before_it_is_due(desk: Bench) -> None:
    """Waived, and a late capture takes nothing."""
    order = by_invoice(desk)
    assert desk.ask(back(order)).amount.amount == 0
    assert isinstance(desk.ask(CapturePayment(order_id=order, amount=PRICE)), PaymentNotTaken)
    assert balances(desk, order) == {}


def test_refunds_and_returns_credit_the_customer(desk: Bench) -> None:
    """A part, then the rest: the receivable is gone."""
    order = by_invoice(desk)
    desk.ask(CapturePayment(order_id=order, amount=PRICE))
    assert isinstance(desk.ask(part(order, "r1")), PaymentRefunded)
    rest = Money(amount=1499, currency="GBP")
    returned = PaymentReturned(order_id=order, amount=rest)
    assert desk.ask(back(order)) == returned
    assert desk.ask(QueryRefund(order_id=order, refund_id=ALL)) == returned
    assert ledger(desk, order)[3:] == [("credit", 500), ("credit", 1499)]
    assert balances(desk, order) == {}


def balances(desk: Bench, order: OrderId) -> dict[str, int]:
    """Debits less credits of each account, as far as this order is concerned."""
    entries = "SELECT debit, credit, amount FROM money_entries WHERE order_id = :id"
    sums: Counter[str] = Counter()
    for debit, credit, amount in desk.rows(entries, id=order):
        sums.update({debit: amount})
        sums.update({credit: -amount})
    return {account: amount for account, amount in sums.items() if amount}
