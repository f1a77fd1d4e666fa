"""What an order costs adds up, whole and in part, and contains the tax of where it goes."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.messages.payable import Payable
from contracts.messages.values import Line, Money, Sku
from participants.orders.payable import fixed, part_of, share, shown
from participants.orders.vat import rate_of

DAY = date(2026, 11, 25)


def line(amount: int, quantity: int = 1) -> Line:
    """So many at that price."""
    return Line(sku=Sku("A"), quantity=quantity, unit_price=Money(amount=amount, currency="GBP"))


def costs(*lines: Line, discount: int = 0, points: int = 0, shipping: int = 0) -> Payable:
    """What they cost, sent within Great Britain."""
    return fixed(
        lines,
        "GBP",
        discount=discount,
        points=points,
        shipping=shipping,
        country="GB",
        on=DAY,
    )


def test_the_total_is_goods_less_promotion_and_points_and_shipping() -> None:
    payable = costs(line(1000, 3), line(500), discount=350, points=150, shipping=399)
    assert payable.total == Money(amount=3399, currency="GBP")
    assert payable.tax == 567  # 3399 * 20 / 120, rounded half up
    parts = {part["part"]: part["amount"] for part in shown(payable)}
    assert parts["promotion"] == {"amount": -350, "currency": "GBP"}
    assert parts["total"] == {"amount": 3399, "currency": "GBP"}


def test_points_pay_for_goods_alone() -> None:
    payable = costs(line(1000), discount=100, points=5000, shipping=399)
    assert (payable.points, payable.total.amount) == (900, 399)


def test_a_part_bears_its_share_of_the_discount() -> None:
    whole = costs(line(1000), line(3000), discount=1000, points=200)
    part = part_of(whole, [line(3000)])
    assert (part.goods, part.discount, part.points) == (3000, 750, 200)
    assert part.total.amount == 2050


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 50)), min_size=1, max_size=8),
    st.integers(0, 100),
    st.integers(0, 10**7),
    st.integers(0, 7),
)
def test_every_part_of_every_order_adds_up(
    amounts: list[tuple[int, int]], percent: int, points: int, kept: int
) -> None:
    lines = [line(*each) for each in amounts]
    goods = sum(amount * count for amount, count in amounts)
    whole = costs(*lines, discount=share(goods, percent, 100), points=points, shipping=399)
    for payable in (whole, part_of(whole, lines[:kept]), part_of(whole, lines)):
        left = payable.goods - payable.discount - payable.points
        assert payable.total.amount == left + payable.shipping
        assert left >= 0
        assert 0 <= payable.tax <= payable.total.amount
    assert part_of(whole, lines) == whole


EU = (
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"),
    *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
)


@pytest.mark.parametrize("country", EU)
def test_every_member_of_the_union_has_its_rate(country: str) -> None:
    assert 1500 <= rate_of(country, DAY) <= 2700


@pytest.mark.parametrize(
    ("country", "on", "rate"),
    [
        ("GB", date(2011, 1, 3), 1750),
        ("GB", date(2011, 1, 4), 2000),
        ("DE", date(2020, 12, 31), 1600),
        ("DE", date(2021, 1, 1), 1900),
        ("FI", DAY, 2550),
        ("US", DAY, 0),
        ("GB", date(1970, 1, 1), 0),
    ],
)
def test_the_rate_is_that_of_the_country_on_that_day(country: str, on: date, rate: int) -> None:
    assert rate_of(country, on) == rate
