"""A file's cancellations as returns: each line goes back to the purchases that it can come from.

A cancelled line names its customer and its SKU, not its purchase. It is taken from that customer's
earlier invoices with that SKU, the latest first, as far as units of it are left there; what finds
none is listed with its sum. Each cancellation becomes one return of each order that it takes from.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from deploy.client import Answered
from deploy.retail.calls import Advance, Calls, at, in_flight
from deploy.retail.comparison import Compared
from deploy.retail.costs import Cost
from deploy.retail.invoices import Bought, Cancelled, Invoice, Reading, Tally

AT_ONCE = 8


@dataclass(frozen=True)
class SentBack:
    """What one cancellation takes from one invoice; the pennies and points given back for it."""

    number: str
    invoice: str
    units: Mapping[str, int]
    pennies: int
    points: int = 0


@dataclass
class Returns:
    """All that goes back, and the lines that match no purchase."""

    sent: list[SentBack] = field(default_factory=list)
    matched: Tally = field(default_factory=Tally)
    unmatched: list[Cancelled] = field(default_factory=list)

    @property
    def unmatched_sum(self) -> Decimal:
        """The money of the lines without a purchase, in pounds."""
        return sum((line.exact for line in self.unmatched), Decimal(0))


def matched(reading: Reading) -> Returns:
    """Find for every cancelled line the purchases it comes from."""
    left = _Left(reading.invoices)
    returns = Returns()
    taken: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for line in reading.cancelled:
        wanted = line.units
        for invoice, units in left.take(line):
            of = taken[line.number, invoice]
            of[line.sku] = of.get(line.sku, 0) + units
            wanted -= units
        found = line.units - wanted
        if found:
            returns.matched.add(line.number, found, line.exact * found / line.units)
        if wanted:
            rest = line._replace(units=wanted, exact=line.exact * wanted / line.units)
            returns.unmatched.append(rest)
    worth = _Worth(reading.invoices)
    returns.sent = [
        SentBack(number, invoice, units, *worth.of(invoice, units))
        for (number, invoice), units in taken.items()
    ]
    return returns


def submit(
    calls: Calls, returns: Sequence[SentBack], orders: Mapping[str, Invoice], advance: Advance
) -> dict[str, str]:
    """Ask for every return; why some were refused. One that was asked for before is the same."""
    by_number = {invoice.number: order for order, invoice in orders.items()}
    refused: dict[str, str] = {}

    def send(back: SentBack) -> str:
        lines = [{"sku": sku, "quantity": units} for sku, units in back.units.items()]
        path = f"{at('/orders', by_number[back.invoice])}/returns"
        key = {"Idempotency-Key": f"return-{back.number}-{back.invoice}"}
        try:
            calls("POST", path, {"lines": lines, "received": True}, key)
        except Answered as error:
            return str(error)
        return ""

    ours = [back for back in returns if back.invoice in by_number]
    # The returns of one order follow each other in the file, and so they do here.
    for done, (back, why) in enumerate(in_flight(send, ours, AT_ONCE), 1):
        if why:
            refused[f"{back.number} of {back.invoice}"] = why
        advance(done, f"{len(refused)} refused" if refused else "")
    return refused


def compare(
    orders: Sequence[Mapping[str, Any]], ours: Mapping[str, Invoice], sent: Sequence[SentBack]
) -> list[Compared]:
    """The orders that something went back of, and the money that was paid back."""
    numbers = {invoice.number for invoice in ours.values()}
    mine = [back for back in sent if back.invoice in numbers]
    back = [order for order in orders if order["id"] in ours and order["returned"]]
    units = sum(sum(order["returned"].values()) for order in back)
    due = Counter[str]()
    for sent_back in mine:
        due[sent_back.invoice] += sent_back.pennies
    paid = {ours[order["id"]].number: order["refunded"]["amount"] for order in back}
    wrong = sum(due[number] != paid.get(number, 0) for number in {*due, *paid})
    return [
        Compared("returns", "orders", len(due), len(back)),
        Compared("returns", "units", sum(sum(b.units.values()) for b in mine), units),
        Compared("returns", "money paid back", due.total(), sum(paid.values()), True),
        Compared("returns", "orders that differ", 0, wrong),
    ]


class _Left:
    """How many units of each SKU are left of each invoice, by customer and SKU."""

    def __init__(self, invoices: Sequence[Invoice]) -> None:
        self._bought: dict[tuple[str, str], list[list[Any]]] = defaultdict(list)
        for place, invoice in enumerate(invoices):
            for line in invoice.lines if invoice.customer else ():
                self._bought[invoice.customer, line.sku].append([place, invoice.number, line.units])

    def take(self, line: Cancelled) -> list[tuple[str, int]]:
        """Take units from the latest purchases before the cancellation: which, and how many."""
        taken, wanted = [], line.units
        for bought in reversed(self._bought.get((line.customer, line.sku), [])):
            place, number, units = bought
            if units and wanted and place < line.after:
                bought[2] -= min(units, wanted)
                taken.append((number, min(units, wanted)))
                wanted -= min(units, wanted)
        return taken


class _Worth:
    """What is given back for units of an invoice: what it cost, less what it costs without them.

    Of the lines of one SKU the first one goes first. The returns of one order may be taken in
    another order than here: all of them together come to the same.
    """

    def __init__(self, invoices: Sequence[Invoice]) -> None:
        self._invoices = {invoice.number: invoice for invoice in invoices}
        self._left: dict[str, tuple[Cost, list[Bought]]] = {}

    def of(self, number: str, units: Mapping[str, int]) -> tuple[int, int]:
        """The pennies and points for these units, which are gone from then on."""
        invoice = self._invoices[number]
        before, lines = self._left.get(number) or (invoice.cost, list(invoice.lines))
        goods = before.goods - _taken(lines, units)
        after = invoice.cost.part(goods)
        self._left[number] = after, lines
        return before.paid - after.paid, before.points - after.points


def _taken(lines: list[Bought], units: Mapping[str, int]) -> int:
    """Take these units out of the lines; what they had cost before any discount."""
    wanted, goods = dict(units), 0
    for place, line in enumerate(lines):
        if less := min(line.units, wanted.get(line.sku, 0)):
            wanted[line.sku] -= less
            goods += less * line.pennies
            lines[place] = line._replace(units=line.units - less)
    return goods
