"""What an order costs is said at the edge, fixed there, and refused there when it has no price."""

from typing import Any

import pytest

from contracts.runtime.settings import settings
from contracts.runtime.tokens import mint
from deploy.client import Answered, Platform

SINCE = "2026-01-01T00:00:00Z"


@pytest.fixture
def platform(api: str) -> Platform:
    """The API, as an administrator."""
    return Platform(api, mint(settings(), "admin", "tests"))


def submitted(platform: Platform, key: str, **more: Any) -> Any:
    """An order of three units at 10.00, sent within Great Britain, as it is shown."""
    order = platform.call("POST", "/orders", body(**more), **{"Idempotency-Key": key})
    return platform.get(f"/orders/{order['id']}")


def body(**more: Any) -> dict[str, Any]:
    """What is submitted."""
    price = {"amount": 1000, "currency": "GBP"}
    person = {"name": "Ann", "email": "ann@shop.example", "line1": "1 Road"}
    return {
        "customer_id": "ann",
        "currency": "GBP",
        "lines": [{"sku": "TEA", "quantity": 3, "unit_price": price}],
        "payment": {"method": "card", "token": "pm_card_visa"},
        "ship_to": {**person, "city": "York", "postcode": "YO1", "country": "GB"},
        **more,
    }


def parts(order: Any) -> dict[str, int]:
    """What the order costs, part by part."""
    return {part["part"]: part["amount"]["amount"] for part in order["payable"]}


def test_an_order_shows_what_it_costs_part_by_part(platform: Platform) -> None:
    platform.call("PUT", "/promotions/TENTH", {"share": 1000, "valid_from": SINCE})
    more = {"promotion_code": "tenth", "redeem_points": 250, "shipping": "fastest"}
    order = submitted(platform, "price-parts", **more)
    assert parts(order) == {
        "goods": 3000,
        "promotion": -300,
        "points": -250,
        "shipping": 899,
        "total": 3349,
        "contains tax": 558,
    }
    assert order["total"] == {"amount": 3349, "currency": "GBP"}


def test_a_code_that_nobody_knows_is_refused_before_the_order_is_accepted(
    platform: Platform,
) -> None:
    with pytest.raises(Answered, match="cannot be priced") as refused:
        submitted(platform, "price-unknown", promotion_code="NO-SUCH")
    assert refused.value.status == 422


def test_the_same_order_is_answered_as_it_was_after_its_code_has_ended(
    platform: Platform,
) -> None:
    given = {"share": 5000, "valid_from": SINCE}
    platform.call("PUT", "/promotions/HALF", given)
    first = submitted(platform, "price-half", promotion_code="HALF")
    platform.call("PUT", "/promotions/HALF", {**given, "enabled": False})
    assert submitted(platform, "price-half", promotion_code="HALF") == first
    with pytest.raises(Answered, match="cannot be priced"):
        submitted(platform, "price-half-new", promotion_code="HALF")


def test_one_without_a_price_leaves_its_neighbours_alone(platform: Platform) -> None:
    orders = [
        {"key": "price-a", **body()},
        {"key": "price-b", **body(promotion_code="NO-SUCH")},
        {"key": "price-c", **body()},
    ]
    said = platform.call("POST", "/orders:batch", {"orders": orders})
    assert ["id" in line for line in said] == [True, False, True]
    assert said[1]["type"].endswith("no-price")


def test_a_past_order_contains_the_tax_of_the_day_it_was_placed_on(platform: Platform) -> None:
    """Great Britain's rate was 17.5 % until 2011-01-03; nothing is placed in the future."""
    on_last_day = submitted(platform, "price-past", placed_at="2011-01-03T08:26:00Z")
    on_next_day = submitted(platform, "price-less-past", placed_at="2011-01-04T08:26:00Z")
    assert [parts(order)["contains tax"] for order in (on_last_day, on_next_day)] == [447, 500]
    with pytest.raises(Answered, match="placed in the future"):
        submitted(platform, "price-future", placed_at="2999-01-01T00:00:00Z")


def test_a_customer_may_wait_for_what_is_missing(platform: Platform) -> None:
    """The wish is taken as it is, and another word is refused."""
    assert submitted(platform, "waits", accept_partial="backorder")["status"] == "pending"
    with pytest.raises(Answered, match="accept_partial"):
        submitted(platform, "whatever", accept_partial="whatever")
