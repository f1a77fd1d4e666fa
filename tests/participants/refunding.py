"""What tests of refunds say and see: wishes, paid orders, the provider's refunds."""

from contracts.messages.payments import (
    CapturePayment,
    PaymentCaptured,
    RefundPayment,
    ReturnPayment,
)
from contracts.messages.values import Money, OrderId
from tests.participants.bench import Bench, new_order
from tests.participants.money import PRICE, authorize
from tests.simulators.running import Running

PART = Money(amount=500, currency="GBP")
ALL = "all"


def captured(desk: Bench, token: str = "pm_card_visa") -> OrderId:
    """An order that is paid for."""
    order = new_order()
    desk.ask(authorize(order, token))
    assert isinstance(desk.ask(CapturePayment(order_id=order, amount=PRICE)), PaymentCaptured)
    return order


def back(order: OrderId) -> ReturnPayment:
    """Give everything back."""
    return ReturnPayment(order_id=order, refund_id=ALL)


def part(order: OrderId, refund_id: str, amount: Money = PART) -> RefundPayment:
    """Give a part back: 5.00 unless told."""
    return RefundPayment(order_id=order, refund_id=refund_id, amount=amount)


def refunds(provider: Running, order: OrderId) -> list[int]:
    """The amounts of the order's refunds at the provider."""
    found = [record["refund"] for record in provider.records(kind="refund")]
    return [refund["amount"] for refund in found if refund["metadata"]["order_id"] == order]
