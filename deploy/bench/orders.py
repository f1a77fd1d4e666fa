"""The orders a benchmark submits: *Online Retail* where it is there, else orders made like it."""

import random
from collections.abc import Iterator
from typing import Any

from deploy.services import ROOT

DATA = ROOT.parent / "shared" / "data" / "online_retail.parquet"
SEED = 20111209
# Of Online Retail: half of its orders have up to 15 lines; few SKUs are in very many of them.
LINES_MEDIAN, LINES_SPREAD, LINES_MOST = 15, 1.1, 500
SKUS, CUSTOMERS = 3800, 4300


def real(count: int) -> tuple[str, list[dict[str, Any]]]:
    """Where they come from, and `count` orders, each with its key."""
    if DATA.exists():
        return "Online Retail", _retail(count)
    return f"seeded generator ({SEED}) matched to Online Retail", list(_made(count))


def trivial(count: int, tag: str) -> list[dict[str, Any]]:
    """Orders of one line."""
    return [_order(f"{tag}-{n}", f"c{n % 100}", [("SKU-1", 1, 100)]) for n in range(count)]


def stock(orders: list[dict[str, Any]]) -> dict[str, int]:
    """How many units of each SKU all of them want."""
    wanted: dict[str, int] = {}
    for order in orders:
        for line in order["lines"]:
            wanted[line["sku"]] = wanted.get(line["sku"], 0) + line["quantity"]
    return wanted


def _retail(count: int) -> list[dict[str, Any]]:
    from deploy.retail.file import Columns, RetailFile
    from deploy.retail.invoices import read
    from deploy.retail.order import order

    invoices = read(RetailFile(DATA, Columns())).limited(count).invoices
    return [order(invoice) for invoice in invoices]


def _made(count: int) -> Iterator[dict[str, Any]]:
    chance = random.Random(SEED)
    for number in range(count):
        lines = min(
            LINES_MOST, max(1, round(LINES_MEDIAN * chance.lognormvariate(0, LINES_SPREAD)))
        )
        bought = [
            (
                f"SKU-{int(SKUS * chance.random() ** 2)}",
                chance.randint(1, 12),
                chance.randint(29, 995),
            )
            for _ in range(lines)
        ]
        yield _order(f"made-{number}", f"c{chance.randrange(CUSTOMERS)}", bought)


def _order(key: str, customer: str, bought: list[tuple[str, int, int]]) -> dict[str, Any]:
    return {
        "key": key,
        "customer_id": customer,
        "currency": "GBP",
        "lines": [
            {"sku": sku, "quantity": units, "unit_price": {"amount": pennies, "currency": "GBP"}}
            for sku, units, pennies in bought
        ],
        "payment": {"method": "card", "token": "pm_card_visa"},
        "ship_to": {
            "name": f"Customer {customer}",
            "email": f"{customer}@shop.example",
            "line1": "1 Road",
            "city": "York",
            "postcode": "YO1 7HH",
            "country": "GB",
        },
    }
