"""START HERE: an import from the read file to the compared sums, phase by phase.

It may be ended at any instant and run again: stock is set once (`memory.py`), an order is the same
order under its key, and the rest only looks.
"""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from contracts.runtime.settings import Settings
from deploy.retail import comparison, ending, promotions, returning, stock, submitting
from deploy.retail.calls import Calls, Show
from deploy.retail.comparison import Comparison
from deploy.retail.history import not_approved_anew, not_suspected
from deploy.retail.invoices import Reading
from deploy.retail.memory import Memory
from deploy.retail.returning import Returns
from deploy.retail.submitting import Submitted

FORGOTTEN = (
    "{} of these orders were accepted before by a run that is not remembered in this folder: "
    "units for them were set twice"
)


@dataclass
class Outcome:
    """What came of an import; times in seconds by phase."""

    reading: Reading
    submitted: Submitted = field(default_factory=Submitted)
    known_before: int = 0
    sagas: Counter[str] = field(default_factory=Counter)
    compared: Comparison = field(default_factory=Comparison)
    returns: Returns = field(default_factory=Returns)
    returns_refused: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def orders_per_second(self) -> float:
        """How fast the orders of this run went, from the first submitted to the last applied."""
        took = self.seconds["submitting"] + self.seconds["ending"]
        return (len(self.submitted.orders) - self.known_before) / took if took else 0.0

    @property
    def returns_per_second(self) -> float:
        """How fast the returns of this run went, from the first asked for to the last applied."""
        took = self.seconds.get("returning", 0.0)
        return len(self.returns.sent) / took if took else 0.0

    @property
    def equal(self) -> bool:
        """Whether every order came through and every sum is the file's."""
        refused = self.submitted.refused or self.returns_refused
        return not refused and self.compared.equal


def run(
    calls: Calls, reading: Reading, memory: Memory, show: Show, config: Settings | None
) -> Outcome:
    """Import what was read; `config` opens the stores to compare with, without it HTTP must do."""
    outcome, is_new = Outcome(reading), memory.is_new
    _before(calls, reading, memory)
    needed = reading.units_by_sku()
    with _timed(outcome, "stock"):
        stock.fill(calls, needed, memory, show("setting stock", len(needed)))
    if memory.seed is not None:
        offering = sum(invoice.points > 0 for invoice in reading.invoices)
        with _timed(outcome, "promising"):
            promotions.promise(calls, reading, memory.seed, show("giving points", offering))
    with not_suspected(calls, memory):
        _through(calls, outcome, show)
    with _timed(outcome, "comparing"):
        outcome.compared = _compared(calls, outcome, memory, config)
    with _timed(outcome, "returning"), not_approved_anew(calls, memory):
        _send_back(calls, outcome, show, config)
    if is_new and outcome.known_before:
        outcome.compared.notes.append(FORGOTTEN.format(outcome.known_before))
    return outcome


def _before(calls: Calls, reading: Reading, memory: Memory) -> None:
    memory.grow(len(reading.invoices))
    if memory.is_new:
        memory.is_new = False
        memory.sales = dict(comparison.sales(calls)) if ending.idle(calls) else None


def _through(calls: Calls, outcome: Outcome, show: Show) -> None:
    """Submit every order, and wait until all have ended."""
    began, invoices = datetime.now(UTC), outcome.reading.invoices
    with _timed(outcome, "submitting"):
        advance = show("submitting orders", len(invoices))
        outcome.submitted = submitting.submit(calls, invoices, advance)
    outcome.known_before = outcome.submitted.before(began)
    with _timed(outcome, "ending"):
        _end(calls, outcome, show)


def _end(calls: Calls, outcome: Outcome, show: Show) -> None:
    orders = outcome.submitted.orders
    if not orders:
        return
    ending.ended(calls, orders, show("ending sagas", len(orders)))
    ending.applied(calls, show("delivering events, %", 100))
    outcome.sagas = ending.statuses(calls, orders)


def _send_back(calls: Calls, outcome: Outcome, show: Show, config: Settings | None) -> None:
    """Send back what the file's cancellations can have come from, and compare that as well."""
    orders = outcome.submitted.orders
    outcome.returns = returning.matched(outcome.reading)
    sent = outcome.returns.sent
    if not (sent and orders):
        return
    outcome.returns_refused = returning.submit(calls, sent, orders, show("returns", len(sent)))
    ending.ended(calls, orders, show("ending returns", len(orders)))
    ending.applied(calls, show("delivering events, %", 100))
    seen = [order for order in comparison.orders_since(calls, orders) if order["returned"]]
    outcome.compared.rows += returning.compare(seen, orders, sent)
    if config:
        from deploy.retail import stores

        outcome.compared.rows += stores.compare_returns(config, sent, orders)


def _compared(
    calls: Calls, outcome: Outcome, memory: Memory, config: Settings | None
) -> Comparison:
    orders = outcome.submitted.orders
    compared = comparison.compare(calls, outcome.reading, orders, memory, whole=config is None)
    if config:
        from deploy.retail import stores

        compared.rows += stores.compare(config, outcome.reading, orders)
    return compared


@contextmanager
def _timed(outcome: Outcome, phase: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    outcome.seconds[phase] = time.monotonic() - began
