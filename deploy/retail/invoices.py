"""Decides what of a file becomes an order: lines by invoice, what is skipped and why, the sums.

Every line of the file is counted once: in an invoice, or under the reason for which it is skipped;
so the sums of both are the file's own. The whole file is read and judged before anything is sent.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from deploy.retail import cells
from deploy.retail.costs import Cost
from deploy.retail.file import Broken, RetailFile

CANCELLATION, NO_QUANTITY, NEGATIVE = "cancellation (C…)", "q <= 0", "p < 0"
BEYOND = "beyond --limit"
MOST_LINES = 2000
MOST_PENNIES = 10**12


class Bought(NamedTuple):
    """One line of an order: units of a SKU at a unit price in pennies."""

    sku: str
    units: int
    pennies: int


@dataclass(slots=True)
class Invoice:
    """One order of the file; `exact` is its sum in pounds before prices are rounded.

    The code that it carries and the points that it offers are no part of the file, but of a rule.
    """

    number: str
    customer: str
    country: str
    lines: list[Bought] = field(default_factory=list)
    exact: Decimal = Decimal(0)
    placed_at: datetime | None = None
    code: str = ""
    points: int = 0

    @property
    def customer_id(self) -> str:
        """The customer, or a guest of this invoice."""
        return self.customer or f"guest-{self.number}"

    @property
    def units(self) -> int:
        """How many units of all SKUs."""
        return sum(line.units for line in self.lines)

    @property
    def goods(self) -> int:
        """What its lines come to, in pennies."""
        return sum(line.units * line.pennies for line in self.lines)

    @property
    def cost(self) -> Cost:
        """What is to be paid for it, and by what it is less than the goods."""
        return Cost.of(self.goods, self.code, self.points)


class Cancelled(NamedTuple):
    """One line of a cancellation: units of a SKU that came back; `after` so many invoices."""

    number: str
    customer: str
    sku: str
    units: int
    exact: Decimal
    after: int


@dataclass(slots=True)
class Tally:
    """Lines, the invoices they stand in, their units, and their money in pounds before rounding."""

    invoices: set[str] = field(default_factory=set)
    lines: int = 0
    units: int = 0
    exact: Decimal = Decimal(0)

    def add(self, invoice: str, units: int, exact: Decimal, lines: int = 1) -> None:
        """Count these as well."""
        self.invoices.add(invoice)
        self.lines += lines
        self.units += units
        self.exact += exact


@dataclass
class Reading:
    """A whole file: its invoices in the file's order, what came back, and what was skipped, by
    reason (cancellations too: they are no orders)."""

    invoices: list[Invoice] = field(default_factory=list)
    cancelled: list[Cancelled] = field(default_factory=list)
    read: Tally = field(default_factory=Tally)
    skipped: dict[str, Tally] = field(default_factory=dict)

    def limited(self, most: int) -> "Reading":
        """The first `most` invoices; the others are skipped with that reason. 0 is all."""
        if not most or most >= len(self.invoices):
            return self
        rest = Tally()
        for invoice in self.invoices[most:]:
            rest.add(invoice.number, invoice.units, invoice.exact, len(invoice.lines))
        skipped = {**self.skipped, BEYOND: rest}
        cancelled = [line for line in self.cancelled if line.after <= most]
        return replace(self, invoices=self.invoices[:most], cancelled=cancelled, skipped=skipped)

    def taken(self) -> Tally:
        """The sums of what is imported."""
        tally = Tally()
        for invoice in self.invoices:
            tally.add(invoice.number, invoice.units, invoice.exact, len(invoice.lines))
        return tally

    @property
    def cost(self) -> Cost:
        """The sum of all orders in pennies, after rounding."""
        return sum((invoice.cost for invoice in self.invoices), Cost())

    def units_by_sku(self) -> dict[str, int]:
        """What all orders together need of each SKU."""
        needed: Counter[str] = Counter()
        for invoice in self.invoices:
            for line in invoice.lines:
                needed[line.sku] += line.units
        return dict(needed)


def read(file: RetailFile) -> Reading:
    """Read and judge the whole file; `Broken` names the first line that is wrong."""
    reading, by_number = Reading(), dict[str, Invoice]()
    number = 0
    for number, row in file.rows():
        try:
            _take(reading, by_number, row)
        except (TypeError, ValueError) as error:  # a list in Parquet has no value as a cell
            raise Broken(file.path, str(error), f"{file.place} {number}") from None
    if not number:
        raise Broken(file.path, "it has a header and no lines")
    reading.invoices = list(by_number.values())
    _stockable(file.path, reading)
    return reading


def _take(reading: Reading, by_number: dict[str, Invoice], row: Sequence[object]) -> None:
    number, sku = cells.invoice(row[0]), cells.sku(row[1])
    units, price = cells.quantity(row[2]), cells.price(row[3])
    customer, country, placed_at = (
        cells.customer(row[4]),
        cells.country(row[5]),
        cells.moment(row[6]),
    )
    reading.read.add(number, units, units * price)
    if reason := _skipped(number, units, price):
        reading.skipped.setdefault(reason, Tally()).add(number, units, units * price)
        if reason == CANCELLATION and units < 0:
            back = Cancelled(number, customer, sku, -units, -units * price, len(by_number))
            reading.cancelled.append(back)
        return
    invoice = by_number.get(number)
    if invoice is None:
        invoice = by_number[number] = Invoice(number, customer, country, placed_at=placed_at)
    _same(invoice, customer, country)
    invoice.lines.append(Bought(sku, units, cells.pennies(price)))
    invoice.exact += units * price
    if len(invoice.lines) > MOST_LINES:
        raise ValueError(f"invoice {number} has over {MOST_LINES} lines")
    if units * cells.pennies(price) > MOST_PENNIES:
        raise ValueError(f"{units} x {price} is over {MOST_PENNIES // 100} pounds")


def _skipped(number: str, units: int, price: Decimal) -> str:
    """Why a line is no part of an order; empty when it is."""
    if number.upper().startswith("C"):
        return CANCELLATION
    if units <= 0:
        return NO_QUANTITY
    return NEGATIVE if price < 0 else ""


def _same(invoice: Invoice, customer: str, country: str) -> None:
    """One invoice is one customer's, and goes to one country."""
    for what, had, has in (
        ("customer", invoice.customer, customer),
        ("country", invoice.country, country),
    ):
        if had != has:
            said = f"{what} {has or 'nobody'!r} here and {had or 'nobody'!r} before"
            raise ValueError(f"invoice {invoice.number} has {said}")


def _stockable(path: Path, reading: Reading) -> None:
    for invoice in reading.invoices:
        if invoice.goods > MOST_PENNIES:
            raise Broken(path, f"the sum of invoice {invoice.number} is too large")
    for sku, units in _most(reading.units_by_sku().items()):
        if units > 1_000_000_000:
            raise Broken(path, f"{units} units of SKU {sku} are more than stock can hold")


def _most(counted: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(counted, key=lambda pair: -pair[1])[:1]
