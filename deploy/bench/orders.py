"""The orders a benchmark submits: *Online Retail* where it is there, else orders made like it."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deploy.retail.file import Columns, RetailFile
from deploy.retail.generated import REAL, SEED, generated, write
from deploy.retail.invoices import Bought, Invoice, read
from deploy.retail.order import order

INVOICES_AN_ORDER, MORE = 2, 20  # a fifth of the invoices are no orders


def real(count: int) -> tuple[str, list[dict[str, Any]]]:
    """Where they come from, and `count` orders, each with its key."""
    if REAL.exists():
        return "Online Retail", _orders(REAL, count)
    with TemporaryDirectory() as folder:
        file = write(Path(folder) / "orders.csv", generated(INVOICES_AN_ORDER * count + MORE))
        return f"seeded generator ({SEED}) matched to Online Retail", _orders(file, count)


def trivial(count: int, tag: str) -> list[dict[str, Any]]:
    """Orders of one line."""
    return [_one(f"{tag}-{n}", f"c{n % 100}") for n in range(count)]


def stock(orders: list[dict[str, Any]]) -> dict[str, int]:
    """How many units of each SKU all of them want."""
    wanted: dict[str, int] = {}
    for one in orders:
        for line in one["lines"]:
            wanted[line["sku"]] = wanted.get(line["sku"], 0) + line["quantity"]
    return wanted


def _orders(file: Path, count: int) -> list[dict[str, Any]]:
    invoices = read(RetailFile(file, Columns())).limited(count).invoices
    return [order(invoice) for invoice in invoices]


def _one(key: str, customer: str) -> dict[str, Any]:
    bought = Invoice(key, customer, "United Kingdom", [Bought("SKU-1", 1, 100)])
    return {**order(bought), "key": key}
