"""Compares the import with every service's store: exactly its orders, whoever else ordered."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import text

from contracts.runtime.database import Database
from contracts.runtime.settings import Settings
from deploy.evidence import APPLIED
from deploy.retail.comparison import CONFIRMED, Compared, Ours
from deploy.retail.invoices import Reading

OURS = "= ANY(CAST(:ids AS uuid[]))"
LEDGER = (
    "SELECT count(DISTINCT order_id), coalesce(sum(amount), 0) FROM money_entries "
    f"WHERE operation = 'capture' AND order_id {OURS}"
)
SHIPPED = (
    "SELECT unit.key, sum(unit.value::bigint) FROM reservations, jsonb_each_text(units) AS unit "
    f"WHERE state = 'shipped' AND order_id {OURS} GROUP BY 1"
)
SALES = f"SELECT coalesce(sum(amount), 0) FROM applied_orders WHERE order_id {OURS}"
LOGGED = f"SELECT count(*) FROM events WHERE type = '{CONFIRMED}' AND subject = ANY(:ids)"


def compare(config: Settings, reading: Reading, ours: Ours) -> list[Compared]:
    """Compare money, stock, the log and what each subscriber applied."""
    read = _Reader(config, list(ours))
    return [*_money(reading, read), *_stock(reading, read), *_applied(reading, read)]


class _Reader:
    """Runs a query about our orders as the service that owns the data."""

    def __init__(self, config: Settings, ids: list[str]) -> None:
        self._config, self._ids = config, ids

    def __call__(self, service: str, query: str) -> list[Any]:
        database = Database(service, self._config)
        try:
            with database.transaction() as session:
                return list(session.execute(text(query), {"ids": self._ids}))
        finally:
            database.close()


def _money(reading: Reading, read: _Reader) -> Iterator[Compared]:
    payable = sum(invoice.amount > 0 for invoice in reading.invoices)
    ((orders, amount),) = read("payments", LEDGER)
    yield Compared("payments' ledger", "orders captured", payable, orders)
    yield Compared("payments' ledger", "money captured", reading.amount, int(amount), True)


def _stock(reading: Reading, read: _Reader) -> Iterator[Compared]:
    needed = reading.units_by_sku()
    shipped = {sku: int(units) for sku, units in read("inventory", SHIPPED)}
    wrong = sum(shipped.get(sku, 0) != units for sku, units in needed.items())
    yield Compared("stock", "units shipped", sum(needed.values()), sum(shipped.values()))
    yield Compared("stock", "SKUs that differ", 0, wrong)


def _applied(reading: Reading, read: _Reader) -> Iterator[Compared]:
    orders = len(reading.invoices)
    yield Compared("trail", "OrderConfirmed", orders, read("trail", LOGGED)[0][0])
    for service, query in APPLIED.items():
        counted = f"SELECT count(*) FROM ({query}) AS applied WHERE subject = ANY(:ids)"
        yield Compared(service, "orders applied", orders, read(service, counted)[0][0])
    amount = int(read("analytics", SALES)[0][0])
    yield Compared("analytics", "money applied", reading.amount, amount, True)
