"""Submits the invoices in batches, two on their way at once so that the platform never idles."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from contracts.messages.values import time_of
from deploy.retail.calls import Advance, Calls, in_flight
from deploy.retail.invoices import Invoice
from deploy.retail.order import order

BATCH = 200
BATCHES_AT_ONCE = 2


@dataclass
class Submitted:
    """The invoices by the order they became, and why others were refused."""

    orders: dict[str, Invoice] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def before(self, moment: datetime) -> int:
        """How many had been accepted before: by an earlier run."""
        return sum(time_of(order_id) < moment for order_id in self.orders)


def submit(calls: Calls, invoices: Sequence[Invoice], advance: Advance) -> Submitted:
    """Submit every invoice; one that was submitted before is the same order again."""
    submitted = Submitted()

    def send(batch: Sequence[Invoice]) -> list[dict[str, str]]:
        body = {"orders": [order(invoice) for invoice in batch]}
        answers: list[dict[str, str]] = calls("POST", "/orders:batch", body)
        return answers

    batches = [invoices[at : at + BATCH] for at in range(0, len(invoices), BATCH)]
    for batch, answers in in_flight(send, batches, BATCHES_AT_ONCE):
        for invoice, answer in zip(batch, answers, strict=True):
            _note(submitted, invoice, answer)
        advance(len(submitted.orders) + len(submitted.refused), _said(submitted))
    return submitted


def _note(submitted: Submitted, invoice: Invoice, answer: dict[str, str]) -> None:
    if "id" in answer:
        submitted.orders[answer["id"]] = invoice
    else:
        title, detail = answer.get("title", "refused"), answer.get("detail") or answer.get("errors")
        submitted.refused[invoice.number] = f"{title}: {detail}" if detail else title


def _said(submitted: Submitted) -> str:
    return f"{len(submitted.refused)} refused" if submitted.refused else ""
