"""Waits until every saga of the import has ended and every subscriber has its events.

Looks at counts, the less often the longer a look takes. What no longer gets less for
`STUCK_SECONDS` is waited for no longer; the comparison then says what is missing.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

from deploy.retail.calls import PAGE, Advance, Calls

OPEN = ("accepted", "running", "undoing")
LOOK_SECONDS, SHARE_OF_TIME = 0.5, 0.1
STUCK_SECONDS = 600.0


def idle(calls: Calls) -> bool:
    """Whether no saga is open, and nothing is on its way to a subscriber."""
    progress = calls.get("/progress")
    return not _sagas(progress) and not _events(progress)


def ended(calls: Calls, orders: Collection[str], advance: Advance) -> None:
    """Wait until no saga of these orders is open; one in review waits for a person and counts."""

    def remaining() -> int:
        is_open = _sagas(calls.get("/progress"))
        if 0 < is_open < PAGE:  # few enough to tell ours from those of others
            is_open = sum(_open(calls, status, orders) for status in OPEN)
        advance(max(0, len(orders) - is_open), "")
        return is_open

    _until_none(remaining)


def applied(calls: Calls, advance: Advance) -> None:
    """Wait until every event is in the log and every delivery is decided."""
    most = 1

    def remaining() -> int:
        nonlocal most
        left = _events(calls.get("/progress"))
        most = max(most, left)
        advance(100 - 100 * left // most, f"{left} open" if left else "")
        return left

    _until_none(remaining)


def statuses(calls: Calls, orders: Collection[str]) -> Counter[str]:
    """How many sagas of these orders stand in which status."""
    found: dict[str, str] = {}
    for page in calls.pages("/sagas", "sagas") if orders else ():
        found |= {
            saga["order_id"]: saga["status"]
            for saga in page
            if saga["saga"] == "order" and saga["order_id"] in orders
        }
        if len(found) == len(orders):
            break
    return Counter({"unknown": len(orders) - len(found)}) + Counter(found.values())


def _sagas(progress: dict[str, Any]) -> int:
    return sum(progress["sagas"].get(status, 0) for status in OPEN)


def _events(progress: dict[str, Any]) -> int:
    return int(progress["unlogged_events"] + progress["open_deliveries"])


def _open(calls: Calls, status: str, orders: Collection[str]) -> int:
    listed: list[dict[str, Any]] = calls.get(f"/sagas?status={status}&limit={PAGE}")["sagas"]
    return sum(saga["order_id"] in orders for saga in listed)


def _until_none(remaining: Callable[[], int]) -> None:
    """Look until nothing remains, or until it has not become less for too long."""
    fewest, since = None, time.monotonic()
    while True:
        began = time.monotonic()
        left = remaining()
        now = time.monotonic()
        if fewest is None or left < fewest:
            fewest, since = left, now
        if not left or now - since > STUCK_SECONDS:
            return
        time.sleep(max(LOOK_SECONDS, (now - began) / SHARE_OF_TIME))
