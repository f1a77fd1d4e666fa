"""What tests of taking back send first: an order at its price, confirmed and on its way."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from contracts.messages.orders import ConfirmOrder, CreateOrder
from contracts.messages.payable import Payable
from contracts.messages.shipping import ShippingRequested
from contracts.messages.values import CustomerId, Line, Money, OrderId, Sku
from participants.orders.payable import fixed
from tests.participants.bench import Bench, new_order

DAY = date(2026, 11, 25)


@dataclass(frozen=True)
class Bought:
    """Lines, and what they cost."""

    lines: tuple[Line, ...]
    payable: Payable


def line(sku: str, units: int, pence: int) -> Line:
    """So many at that price."""
    return Line(sku=Sku(sku), quantity=units, unit_price=Money(amount=pence, currency="GBP"))


def bought(*lines: Line, discount: int = 0, points: int = 0, shipping: int = 0) -> Bought:
    """These lines at what they cost within Great Britain."""
    costs = fixed(
        lines,
        "GBP",
        discount=discount,
        points=points,
        shipping=shipping,
        country="GB",
        on=DAY,
    )
    return Bought(lines, costs)


def sent_order(desk: Bench, wanted: Bought) -> OrderId:
    """An order of these that is confirmed and handed to its carrier."""
    order = new_order()
    said = desk.send_all(
        [
            CreateOrder(
                order_id=order,
                customer_id=CustomerId("c"),
                lines=wanted.lines,
                payable=wanted.payable,
            ),
            ConfirmOrder(order_id=order),
            ShippingRequested(order_id=order, carrier="c", tracking="t"),
        ]
    )
    desk.answer(said[1])
    return order


def standing(desk: Bench, order: OrderId) -> tuple[Any, ...]:
    """The statuses of the order, its payment and its fulfilment."""
    query = "SELECT status, payment_status, fulfilment_status FROM orders WHERE id = :id"
    return desk.rows(query, id=order)[0]
