"""The paths that the demo sends orders on: what it takes to meet each, and how it must end."""

import time
from dataclasses import dataclass
from typing import Any

from deploy.client import Platform

SKUS, CUSTOMERS = 40, 97
NONE, NORTH, BLOCKED = "SKU-NONE", "SKU-NORTH", "pm_card_visa_blocked"
RICH, TENTH, USED_UP = "customer-rich", "DEMO-TENTH", "DEMO-ONCE"
BENEFITS = (("promotion_code", TENTH), ("redeem_points", 500))
SINCE = "2026-01-01T00:00:00Z"
USED_WITHIN_SECONDS = 60.0


@dataclass(frozen=True)
class Path_:
    """One way an order may go: what it takes to send an order there, and how it must end."""

    name: str
    ends: str
    token: str = "pm_card_visa"
    customer: str = ""
    postcode: str = "YO1 7HH"
    sku: str = ""
    price: int = 1999
    share: float = 0.02
    more: tuple[tuple[str, Any], ...] = ()


PATHS = (
    Path_("confirmed", "completed", share=0.52),
    Path_("out of stock", "undone", sku=NONE, share=0.06, more=(("accept_partial", False),)),
    Path_("some missing, the rest wanted", "completed", sku=NONE, more=(("accept_partial", True),)),
    Path_("some missing, support is asked", "review", sku=NONE),
    Path_("looks like fraud, risk is asked", "review", price=1_000_001),
    Path_("blocked card", "undone", token=BLOCKED),
    Path_("promotion and points", "completed", customer=RICH, more=BENEFITS),
    Path_("promotion used up", "undone", more=(("promotion_code", USED_UP),)),
    Path_("too few points", "undone", more=(("redeem_points", 5000),)),
    Path_("card declined", "undone", token="pm_card_chargeDeclined", share=0.06),
    Path_("provider lost the call, tried again", "completed", token="pm_sim_timeout_before"),
    Path_("provider timed out, found later", "completed", token="pm_sim_timeout_after"),
    Path_("provider failed after the charge", "completed", token="pm_sim_500_after"),
    Path_("provider unknown for long", "review", token="pm_sim_unreported"),
    Path_("shipping refused once", "completed", postcode="SIM-REFUSE-ONCE"),
    Path_("shipping timed out, found later", "completed", postcode="SIM-TIMEOUT"),
    Path_("shipping refused for good", "review", postcode="SIM-REFUSE"),
    Path_("nothing to pay", "completed", price=0),
    Path_("from two warehouses, in two parcels", "completed", sku=NORTH),
)


def prepare(platform: Platform, count: int) -> None:
    """Stock for so many orders, of one SKU at another warehouse, a blocked card, a code, a code
    that is used up, points, and customers who want to have pushes."""
    for number in range(SKUS):
        platform.call("PUT", f"/stock/SKU-{number + 1:04d}", {"quantity": count * 5})
    platform.call("PUT", f"/stock/{NONE}", {"quantity": 0})
    platform.call("PUT", "/warehouses/north", {"name": "North", "rank": 50})
    platform.call("PUT", f"/stock/{NORTH}", {"quantity": count * 5, "warehouse": "north"})
    platform.call("PUT", f"/fraud/blocked-cards/{BLOCKED}", {"reason": "stolen"})
    platform.call("PUT", f"/promotions/{TENTH}", {"share": 1000, "valid_from": SINCE})
    once = {"share": 1000, "valid_from": SINCE, "most_uses": 1}
    platform.call("PUT", f"/promotions/{USED_UP}", once)
    for customer in (RICH, *(f"customer-{number}" for number in range(0, CUSTOMERS, 10))):
        platform.call("PUT", f"/push/{customer}", {"token": f"device-of-{customer}"})
    given = {"points": 1_000_000, "reason": "a welcome"}
    platform.call("POST", f"/loyalty/{RICH}/adjust", given, **{"Idempotency-Key": "demo"})
    _use_up(platform)


def _use_up(platform: Platform) -> None:
    """Let one order have the only use there is."""
    order = _order(0, PATHS[0]) | {"promotion_code": USED_UP}
    del order["key"]
    platform.call("POST", "/orders", order, **{"Idempotency-Key": "demo-once"})
    until = time.monotonic() + USED_WITHIN_SECONDS
    while not platform.get(f"/promotions/{USED_UP}")["uses"]:
        if time.monotonic() > until:
            raise TimeoutError(f"{USED_UP} was not used within {USED_WITHIN_SECONDS:g} s")
        time.sleep(0.1)


def planned(count: int) -> list[tuple[Path_, dict[str, Any]]]:
    """`count` orders over all paths, each path at least once, the same way each time.

    Those that end with a person take longest and come first; the others are mixed.
    """
    counts = {path: max(1, round(count * path.share)) for path in PATHS}
    counts[PATHS[0]] += count - sum(counts.values())
    plan = [path for path in PATHS for _ in range(counts[path])]
    mixed = [plan[place * 7919 % len(plan)] for place in range(len(plan))]
    mixed.sort(key=lambda path: path.ends != "review")
    return [(path, _order(number, path)) for number, path in enumerate(mixed)]


def _order(number: int, path: Path_) -> dict[str, Any]:
    sku = path.sku or f"SKU-{number % SKUS + 1:04d}"
    other = f"SKU-{number * 7 % SKUS + 1:04d}"
    price = {"amount": path.price, "currency": "GBP"}
    return {
        "key": f"demo-{number}",
        "customer_id": path.customer or f"customer-{number % CUSTOMERS}",
        "currency": "GBP",
        "lines": [
            {"sku": sku, "quantity": 1 + number % 3, "unit_price": price},
            {"sku": other, "quantity": 1, "unit_price": price},
        ],
        **dict(path.more),
        "payment": {"method": "card", "token": path.token},
        "ship_to": {
            "name": f"Customer {number % CUSTOMERS}",
            "email": f"customer-{number % CUSTOMERS}@shop.example",
            "line1": f"{number} High Street",
            "city": "York",
            "postcode": path.postcode,
            "country": "GB",
        },
    }
