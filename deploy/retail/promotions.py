"""Which orders carry a code and offer points: a rule seeded by the number of the invoice.

The same seed says the same of an invoice, whichever others are imported with it. What it promises
is given before the first order: the codes are set, and each customer gets the points that its
orders offer, each once under the invoice's key.
"""

import random
from dataclasses import replace
from typing import Any

from deploy.retail.calls import PAGE, Advance, Calls, at
from deploy.retail.costs import CODES, fits
from deploy.retail.invoices import Invoice, Reading

CARRY_A_CODE, OFFER_POINTS = 0.3, 0.2
MOST_POINTS = 5000  # more than many an order costs: some are paid with points alone
ALWAYS = "1970-01-01T00:00:00Z"


def promoted(reading: Reading, seed: int) -> Reading:
    """The same orders, with what the rule says of each."""
    return replace(reading, invoices=[_promoted(invoice, seed) for invoice in reading.invoices])


def promise(calls: Calls, reading: Reading, seed: int, advance: Advance) -> None:
    """Set the codes, and give the points that will be offered; done before, it changes nothing."""
    for code, says in CODES.items():
        calls("PUT", at("/promotions", code), {**says, "valid_from": ALWAYS})

    offering = [invoice for invoice in reading.invoices if invoice.points]
    for first in range(0, len(offering), PAGE):
        gifts = [_gift(invoice, seed) for invoice in offering[first : first + PAGE]]
        calls("POST", "/loyalty:batch", {"gifts": gifts})
        advance(first + len(gifts), "")


def _gift(invoice: Invoice, seed: int) -> dict[str, Any]:
    return {
        "key": f"import-{seed}-points-{invoice.number}",
        "customer_id": invoice.customer_id,
        "points": invoice.points,
        "reason": f"offered by invoice {invoice.number}",
    }


def _promoted(invoice: Invoice, seed: int) -> Invoice:
    chance = random.Random(f"{seed}:{invoice.number}")
    carries, offers = chance.random() < CARRY_A_CODE, chance.random() < OFFER_POINTS
    codes = [code for code in CODES if fits(code, invoice.goods)]
    code, points = chance.choice(codes), chance.randint(1, MOST_POINTS)
    return replace(
        invoice,
        code=code if carries else "",
        points=points if offers and invoice.customer else 0,  # a guest has none
    )
