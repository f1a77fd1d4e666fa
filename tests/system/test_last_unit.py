"""A hundred orders at once for the last unit, several times over: one gets it, and when that one
gives it back, the next does."""

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.system.conftest import Platforms, wait_until

pytestmark = pytest.mark.parametrize("platform", ["valkey"], indirect=True)
SKUS = int(os.environ.get("CONCERTO_LAST_UNITS", "3"))  # how many times over
EACH, LATER = 100, 5
AT_ONCE = 500  # orders in a batch over HTTP
PATIENCE = 300.0  # seconds, on a busy machine
ENDED = ("completed", "undone")
GOOD, DECLINED = "pm_card_visa", "pm_card_chargeDeclined"


def orders_for(whole: Platforms, each: int, *tokens: str) -> list[Any]:
    """So many orders for one unit of each SKU, taking turns; the cards too, so that all orders for
    one unit have the same."""
    made = []
    for number in range(SKUS * each):
        price = {"amount": 1999, "currency": "GBP"}
        line = {"sku": f"LAST-{number % SKUS}", "quantity": 1, "unit_price": price}
        token = tokens[number % SKUS % len(tokens)]
        made.append(whole.order(token, lines=[line], customer_id=f"last-{each}-{number}"))
    return made


def submit(whole: Platforms, orders: list[Any]) -> dict[str, str]:
    """Submit all of them at once; the SKU by order."""
    parts = [orders[at : at + AT_ONCE] for at in range(0, len(orders), AT_ONCE)]

    def send(part: list[Any]) -> list[str]:
        answers = whole.http.call("POST", "/orders:batch", {"orders": part})
        return [answer["id"] for answer in answers]

    with ThreadPoolExecutor(len(parts)) as pool:
        ids = [order for answered in pool.map(send, parts) for order in answered]
    return {order: its["lines"][0]["sku"] for order, its in zip(ids, orders, strict=True)}


def stock(whole: Platforms) -> dict[str, tuple[int, int, int]]:
    """On hand, reserved and shipped of each SKU."""
    rows = whole.rows("inventory", "SELECT * FROM stock WHERE sku LIKE 'LAST-%'")
    return {row.sku: (row.on_hand, row.reserved, row.shipped) for row in rows}


def winners(whole: Platforms, skus: dict[str, str]) -> list[str]:
    """The orders that have the unit of their SKU, once all others are undone."""
    states = whole.states(list(skus))
    left = [order for order in skus if states.get(order) not in ENDED]
    return left if len(left) == SKUS else []


def test_the_last_unit_is_sold_once_and_sold_again_when_it_is_given_back(whole: Platforms) -> None:
    """Whoever has it waits for payments, which stands still: half of them cancel, the others' cards
    are declined. Then the unit is there again, and one of the next orders is confirmed."""
    for number in range(SKUS):
        whole.http.call("PUT", f"/stock/LAST-{number}", {"quantity": 1})
    with whole.held("payments"):
        first = submit(whole, orders_for(whole, EACH, GOOD, DECLINED))
        wait_until(
            "all but one for each unit are undone", lambda: bool(winners(whole, first)), PATIENCE
        )
        having = winners(whole, first)
        assert Counter(first[order] for order in having) == Counter(set(first.values()))
        assert set(stock(whole).values()) == {(0, 1, 0)}
        for order in having:
            if int(first[order].removeprefix("LAST-")) % 2 == 0:
                whole.http.call("POST", f"/orders/{order}/cancel", {})
    undone = {"undone"}
    wait_until("they give it back", lambda: set(whole.states(having).values()) == undone)
    assert set(stock(whole).values()) == {(1, 0, 0)}
    second = submit(whole, orders_for(whole, LATER, GOOD))
    ends = whole.wait_ended(list(second), PATIENCE)
    got = Counter(second[order] for order, end in ends.items() if end == "completed")
    assert got == Counter(set(second.values()))
    assert Counter(ends.values()) == {"completed": SKUS, "undone": SKUS * (LATER - 1)}
    whole.wait_delivered(PATIENCE)
    assert set(stock(whole).values()) == {(0, 0, 1)}
    told = Counter(whole.http.get(f"/orders/{order}")["status"] for order in having)
    assert told == {"cancelled": (SKUS + 1) // 2, "rejected": SKUS // 2}
    assert not whole.breaches()
