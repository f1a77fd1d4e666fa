"""What an order costs: goods less promotion and points, and shipping; the tax it contains.

Everything is in minor units and rounded half up. An order that is for a part of its lines only has
the same part of its discount.
"""

from collections.abc import Iterable
from datetime import date

from contracts.messages.payable import Payable
from contracts.messages.values import Line, Money
from participants.orders.vat import rate_of

WHOLE = 10_000  # basis points


def fixed(
    lines: Iterable[Line],
    currency: str,
    *,
    discount: int,
    points: int,
    shipping: int,
    country: str,
    on: date,
) -> Payable:
    """What these lines cost, sent to that country on that day; `discount` is within the goods.

    Points pay for goods alone: who offers more pays with as many as the goods cost.
    """
    goods = goods_of(lines)
    paid = min(points, goods - discount)
    return _payable(goods, discount, paid, shipping, rate_of(country, on), currency)


def part_of(whole: Payable, lines: Iterable[Line]) -> Payable:
    """What the order costs when it is for these lines only."""
    goods = goods_of(lines)
    discount = share(whole.discount, goods, whole.goods)
    points = min(whole.points, goods - discount)
    currency = whole.total.currency
    return _payable(goods, discount, points, whole.shipping, whole.tax_rate, currency)


def goods_of(lines: Iterable[Line]) -> int:
    """The sum of quantity times unit price."""
    return sum(line.quantity * line.unit_price.amount for line in lines)


def share(amount: int, part: int, whole: int) -> int:
    """The part/whole of an amount, rounded half up; nothing of nothing."""
    return (2 * amount * part + whole) // (2 * whole) if whole else 0


def shown(payable: Payable) -> list[dict[str, object]]:
    """The parts as a person reads them, in the order in which they add up; tax is within."""
    parts = {
        "goods": payable.goods,
        "promotion": -payable.discount,
        "points": -payable.points,
        "shipping": payable.shipping,
        "total": payable.total.amount,
        "contains tax": payable.tax,
    }
    currency = payable.total.currency
    return [
        {"part": part, "amount": {"amount": amount, "currency": currency}}
        for part, amount in parts.items()
    ]


def _payable(
    goods: int, discount: int, points: int, shipping: int, tax_rate: int, currency: str
) -> Payable:
    total = goods - discount - points + shipping
    return Payable(
        goods=goods,
        discount=discount,
        points=points,
        shipping=shipping,
        tax=share(total, tax_rate, WHOLE + tax_rate),
        tax_rate=tax_rate,
        total=Money(amount=total, currency=currency),
    )
