"""Gives the platform what the orders will need: of each SKU as many units as they buy, once.

What was there before stays. `received` only grows by counting, so it tells what of this import is
set already, whenever and wherever an earlier run was ended; stock is set before the first order.
"""

from collections.abc import Mapping
from typing import Any

from deploy.retail.calls import Advance, Calls, at, in_flight
from deploy.retail.memory import Memory

AT_ONCE = 4
TRIES = 5


def fill(calls: Calls, needed: Mapping[str, int], memory: Memory, advance: Advance) -> None:
    """Let every SKU have received what is needed of it on top of what it had before."""
    standing: dict[str, Any] = {}
    for sku, found in in_flight(lambda sku: look(calls, sku), needed, AT_ONCE):
        standing[sku] = found
        advance(len(standing), "looking")
        memory.stock.setdefault(sku, (found["received"], found["shipped"]))
    memory.save()
    targets = {sku: memory.stock[sku][0] + units for sku, units in needed.items()}
    to_set = [sku for sku, target in targets.items() if standing[sku]["received"] < target]

    def give(sku: str) -> None:
        _give(calls, sku, targets[sku], standing[sku])

    for done, _ in enumerate(in_flight(give, to_set, AT_ONCE), 1):
        advance(len(needed) + done, "setting")
    advance(2 * len(needed), f"{len(to_set)} SKUs set")


def _give(calls: Calls, sku: str, target: int, stands: dict[str, int]) -> None:
    """Set what is on hand so that `target` was received.

    Orders may take some between the look and the setting; the answer tells, and is set right.
    """
    for _ in range(TRIES):
        lacking = target - stands["received"]
        if not lacking:
            return
        counted = {"quantity": max(0, stands["on_hand"] + lacking)}
        stands = calls("PUT", at("/stock", sku), counted)


def look(calls: Calls, sku: str) -> Any:
    """How a SKU stands; one that is not known has nothing."""
    return calls.look(at("/stock", sku), on_hand=0, reserved=0, shipped=0, received=0)
