"""What has happened is not judged anew: fraud's limits and that of refunds make way for an import.

The rules stay on and are checked, only so wide that nothing past meets them; how they stood is
remembered with the import, and put back at its end.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from deploy.retail.calls import Calls, at
from deploy.retail.memory import Memory
from deploy.retail.order import CURRENCY

RULES = "/fraud/rules"
REFUND_LIMIT = f"/refund-limits/{CURRENCY}"
WIDE = 1_000_000_000_000
MOST_ORDERS = 1000
KINDS = ("amount", "velocity")


@contextmanager
def not_suspected(calls: Calls, memory: Memory) -> Iterator[None]:
    """While the block lasts, and on until it has been ended well, the rules are wide."""
    if memory.rules is None:
        memory.rules = widened(calls)
        memory.save()
    yield
    for rule in memory.rules:
        _put(calls, rule, rule["limits"])
    memory.rules = None
    memory.save()


@contextmanager
def not_approved_anew(calls: Calls, memory: Memory) -> Iterator[None]:
    """While the block lasts, and on until it has been ended well, refunds need no second person."""
    if memory.refund_limit is None:
        memory.refund_limit = calls.get(REFUND_LIMIT)["money"]["amount"]
        memory.save()
    calls("PUT", REFUND_LIMIT, {"amount": WIDE})
    yield
    calls("PUT", REFUND_LIMIT, {"amount": memory.refund_limit})
    memory.refund_limit = None
    memory.save()


def widened(calls: Calls) -> list[dict[str, Any]]:
    """Widen the rules that judge amounts and numbers; how they stood before."""
    rules = [rule for rule in calls.get(RULES)["rules"] if rule["kind"] in KINDS]
    for rule in rules:
        _put(calls, rule, _wide(rule))
    return rules


def _wide(rule: dict[str, Any]) -> dict[str, int]:
    if rule["kind"] == "velocity":
        return {**rule["limits"], "orders": MOST_ORDERS}
    return dict.fromkeys(rule["limits"], WIDE)


def _put(calls: Calls, rule: dict[str, Any], limits: dict[str, int]) -> None:
    body = {"verdict": rule["verdict"], "enabled": rule["enabled"], "limits": limits}
    calls("PUT", at(RULES, rule["id"]), body)
