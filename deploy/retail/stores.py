"""Compares the import with every service's store: exactly its orders, whoever else ordered."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import text

from contracts.runtime.database import Database
from contracts.runtime.settings import Settings
from deploy.evidence import APPLIED
from deploy.retail.comparison import CONFIRMED, Compared, Ours, sales_rows
from deploy.retail.days import days
from deploy.retail.invoices import Reading
from deploy.retail.order import CURRENCY
from deploy.retail.returning import SentBack

PENNIES_A_POINT = 100
OURS = "= ANY(CAST(:ids AS uuid[]))"
LEDGER = (
    "SELECT count(DISTINCT order_id), coalesce(sum(amount), 0) FROM money_entries "
    f"WHERE operation = 'capture' AND order_id {OURS}"
)
SHIPPED = (
    "SELECT unit.key, sum(unit.value::bigint) FROM reservations, json_each(units) AS place, "
    "json_each_text(place.value) AS unit "
    f"WHERE state = 'shipped' AND order_id {OURS} GROUP BY 1"
)
SALES = (
    "SELECT day::text, count(*), sum(amount)::bigint FROM applied_orders "
    f"WHERE currency = '{CURRENCY}' AND order_id {OURS} GROUP BY 1"
)
USES = f"SELECT count(*) FROM order_uses WHERE state = 'applied' AND order_id {OURS}"
REDEEMED = (
    "SELECT coalesce(sum(points), 0)::bigint FROM order_redemptions "
    f"WHERE state = 'applied' AND order_id {OURS}"
)
EARNED = f"SELECT coalesce(sum(points), 0)::bigint FROM order_earnings WHERE order_id {OURS}"
REFUNDED = (
    "SELECT coalesce(sum(amount), 0)::bigint FROM money_entries "
    f"WHERE operation = 'refund' AND order_id {OURS}"
)
RESTORED = (
    "SELECT coalesce(sum(points), 0)::bigint FROM points_entries "
    f"WHERE operation = 'restore' AND order_id {OURS}"
)
LOGGED = f"SELECT count(*) FROM events WHERE type = '{CONFIRMED}' AND subject = ANY(:ids)"


def compare(config: Settings, reading: Reading, ours: Ours) -> list[Compared]:
    """Compare money, points, stock, the log and what each subscriber applied."""
    read = _Reader(config, list(ours))
    applied = [*_applied(reading, read), *_sold(reading, ours, read)]
    return [*_money(reading, read), *_benefits(reading, read), *_stock(reading, read), *applied]


def compare_returns(config: Settings, sent: Sequence[SentBack], ours: Ours) -> list[Compared]:
    """Compare what was paid back, in money and points."""
    read = _Reader(config, list(ours))
    numbers = {invoice.number for invoice in ours.values()}
    mine = [back for back in sent if back.invoice in numbers]
    money, points = sum(back.pennies for back in mine), sum(back.points for back in mine)
    refunded, restored = read("payments", REFUNDED)[0][0], read("loyalty", RESTORED)[0][0]
    return [
        Compared("payments' ledger", "money paid back", money, refunded, True),
        Compared("loyalty", "points given back", points, restored),
    ]


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
    payable = sum(invoice.cost.paid > 0 for invoice in reading.invoices)
    ((orders, amount),) = read("payments", LEDGER)
    yield Compared("payments' ledger", "orders captured", payable, orders)
    yield Compared("payments' ledger", "money captured", reading.cost.paid, int(amount), True)


def _benefits(reading: Reading, read: _Reader) -> Iterator[Compared]:
    """One use for each order that carries a code; points taken, and earned by what is paid."""
    costs = [(invoice, invoice.cost) for invoice in reading.invoices]
    coded = sum(bool(invoice.code) for invoice, _ in costs)
    redeemed = sum(cost.points for _, cost in costs)
    earned = sum(cost.paid // PENNIES_A_POINT for invoice, cost in costs if invoice.customer)
    yield Compared("promotions", "uses", coded, read("promotions", USES)[0][0])
    yield Compared("loyalty", "points redeemed", redeemed, read("loyalty", REDEEMED)[0][0])
    yield Compared("loyalty", "points earned", earned, read("loyalty", EARNED)[0][0])


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


def _sold(reading: Reading, ours: Ours, read: _Reader) -> Iterator[Compared]:
    """Analytics' sales by day, of our orders alone."""
    sold = {day: (orders, amount) for day, orders, amount in read("analytics", SALES)}
    yield from sales_rows("analytics", reading, days(reading.invoices, ours, sold))
