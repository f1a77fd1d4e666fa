"""A refund over the limit needs a second person; what was given back before counts."""

from collections.abc import Iterator

import pytest

from contracts.messages.payments import (
    ApproveRefund,
    PaymentRefunded,
    RefundApproved,
    RefundNeedsApproval,
)
from contracts.messages.values import Money, OrderId
from contracts.runtime.settings import Settings
from deploy.client import Answered, Platform
from participants.payments.http import routes
from tests.edge import bearer, served
from tests.participants.bench import Bench, new_order
from tests.participants.money import authorize
from tests.participants.refunding import captured, part


@pytest.fixture
def admin(desk: Bench, signed: None) -> Iterator[Platform]:
    """The routes of payments, for an admin; the limit is as usual afterwards."""
    with served(routes(desk.host.db, desk.host)) as url:
        api = Platform(url, bearer("admin").removeprefix("Bearer "))
        yield api
        limit(api, Settings().refund_limit)


def limit(api: Platform, amount: int) -> None:
    """From now on, so much of an order needs no second person."""
    api.call("PUT", "/refund-limits/GBP", {"amount": amount})


def approve(order: OrderId, amount: int, currency: str = "GBP") -> ApproveRefund:
    """May so much be given back?"""
    money = Money(amount=amount, currency=currency)
    return ApproveRefund(order_id=order, refund_id="r", amount=money)


def test_up_to_the_limit_nobody_is_asked(desk: Bench, admin: Platform) -> None:
    """A penny more, and the answer says which limit; another currency has the usual one."""
    order = captured(desk)
    limit(admin, 1500)
    assert desk.ask(approve(order, 1500)) == RefundApproved(order_id=order, refund_id="r")
    assert desk.ask(approve(order, 1501)) == RefundNeedsApproval(
        order_id=order,
        refund_id="r",
        amount=Money(amount=1501, currency="GBP"),
        limit=Money(amount=1500, currency="GBP"),
    )
    assert isinstance(desk.ask(approve(order, 100_000, "EUR")), RefundApproved)
    assert desk.ask(approve(order, 100_001, "EUR")).limit.amount == 100_000


def test_a_large_refund_is_not_made_of_small_ones(desk: Bench, admin: Platform) -> None:
    """What was given back of the order counts, and only of that order."""
    order, other = captured(desk), captured(desk)
    limit(admin, 999)
    assert isinstance(desk.ask(part(order, "r1")), PaymentRefunded)
    assert isinstance(desk.ask(approve(order, 499)), RefundApproved)
    assert isinstance(desk.ask(approve(order, 500)), RefundNeedsApproval)
    assert isinstance(desk.ask(approve(other, 999)), RefundApproved)


def test_where_nothing_is_held_nothing_is_given_back(desk: Bench, admin: Platform) -> None:
    """An order nobody knows, and a refused one; a hold may still be taken, so it counts."""
    limit(admin, 0)
    assert isinstance(desk.ask(approve(new_order(), 5)), RefundApproved)
    refused, held = new_order(), new_order()
    desk.ask(authorize(refused, "pm_card_chargeDeclined"))
    desk.ask(authorize(held))
    assert isinstance(desk.ask(approve(refused, 5)), RefundApproved)
    assert isinstance(desk.ask(approve(held, 5)), RefundNeedsApproval)


def test_only_an_admin_changes_the_limit_and_every_change_stays_written(
    desk: Bench, admin: Platform
) -> None:
    """Whoever may refund must not widen what they may; bad amounts are refused."""
    limit(admin, 700)
    limit(admin, 800)
    assert admin.get("/refund-limits/GBP")["money"] == {"amount": 800, "currency": "GBP"}
    written = desk.rows("SELECT amount, by FROM refund_limits ORDER BY id")
    assert written[-2:] == [(700, "somebody"), (800, "somebody")]
    operator = Platform(admin.url, bearer("operator").removeprefix("Bearer "))
    assert operator.get("/refund-limits/GBP")["money"]["amount"] == 800
    with pytest.raises(Answered, match="admin"):
        limit(operator, 10**9)
    for wrong in (-1, 10**13):
        with pytest.raises(Answered, match="amount"):
            limit(admin, wrong)
    with pytest.raises(Answered, match="currency"):
        admin.get("/refund-limits/pounds")
