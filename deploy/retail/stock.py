"""Gives the platform what the orders will need: of each SKU as many units as they buy, once.

What was there before stays. `received` only grows by counting, so it tells what of this import is
set already, whenever and wherever an earlier run was ended; stock is set before the first order.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from deploy.retail.calls import PAGE, Advance, Calls
from deploy.retail.memory import Memory

TRIES = 5
NOTHING = {"on_hand": 0, "reserved": 0, "shipped": 0, "received": 0}


def fill(calls: Calls, needed: Mapping[str, int], memory: Memory, advance: Advance) -> None:
    """Let every SKU have received what is needed of it on top of what it had before."""
    standing = all_of(calls)
    for sku in needed:
        found = standing.setdefault(sku, NOTHING)
        memory.stock.setdefault(sku, (found["received"], found["shipped"]))
    memory.save()
    targets = {sku: memory.stock[sku][0] + units for sku, units in needed.items()}
    to_set = [sku for sku, target in targets.items() if standing[sku]["received"] < target]
    for first in range(0, len(to_set), PAGE):
        _give(calls, to_set[first : first + PAGE], targets, standing)
        advance(first, "setting")
    advance(len(needed), f"{len(to_set)} SKUs set")


def all_of(calls: Calls) -> dict[str, Any]:
    """How every SKU stands."""
    return {row["sku"]: row for page in calls.pages("/stock", "stock") for row in page}


def _give(
    calls: Calls, skus: Sequence[str], targets: Mapping[str, int], standing: dict[str, Any]
) -> None:
    """Set what is on hand so that the targets were received.

    Orders may take some between the look and the setting; the answer tells, and is set right.
    """
    for _ in range(TRIES):
        lacking = {sku: targets[sku] - standing[sku]["received"] for sku in skus}
        counts = [
            {"sku": sku, "quantity": max(0, standing[sku]["on_hand"] + units)}
            for sku, units in lacking.items()
            if units
        ]
        if not counts:
            return
        answer = calls("POST", "/stock:batch", {"counts": counts})
        standing.update({row["sku"]: row for row in answer["stock"]})
