"""One timeline across both halves: what the sagas did, what was published, and what became of it.

An event has its deliveries as children, and the events it caused; what should have been published
and was not seen stands where it was due from.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from deploy.overview.expected import expected
from deploy.overview.journal import Entry, told
from deploy.overview.order import Order, name_of
from side_effects.trail.consumer import HANDLED, PENDING


def timeline(order: Order) -> dict[str, Any]:
    """What happened to an order, in order of time."""
    entries = [entry for saga in order.sagas for entry in told(order, saga)]
    entries += _events(order)
    entries += [_audited(row) for row in order.audit if row.refused or row.action != "decide"]
    entries += [_missing(one) for one in expected(order) if _is_missing(one)]
    entries.sort(key=lambda entry: entry.at)
    return {
        "order_id": order.id,
        "started_at": order.started_at,
        "entries": [_json(entry, order.started_at) for entry in entries],
    }


def lines(whole: Mapping[str, Any]) -> Iterator[str]:
    """A timeline as lines of text: the time since the beginning, and what happened."""
    for entry in whole["entries"]:
        yield from _lines(entry, 0)


def _lines(entry: Mapping[str, Any], depth: int) -> Iterator[str]:
    saga = f"{entry['saga']}: " if entry["saga"] not in ("", "order") else ""
    yield f"{entry['after_seconds']:>10.2f} s  {'    ' * depth}{saga}{entry['text']}"
    for child in entry["children"]:
        yield from _lines(child, depth + 1)


def _json(entry: Entry, began: datetime) -> dict[str, Any]:
    children = sorted(entry.children, key=lambda child: child.at)
    return {
        **asdict(entry),
        "after_seconds": round((entry.at - began).total_seconds(), 3),
        "children": [_json(child, began) for child in children],
    }


def _events(order: Order) -> list[Entry]:
    """The events of an order; one that another caused is the child of that."""
    entries = {event.id: _event(order, event) for event in order.events}
    for event in order.events:
        if event.cause in entries:
            entries[event.cause].children.append(entries[event.id])
    return [entries[event.id] for event in order.events if event.cause not in entries]


def _event(order: Order, event: Any) -> Entry:
    return Entry(
        at=event.at,
        kind="event",
        text=f"{name_of(event.type)} published by {event.source}",
        id=event.id,
        service=event.source,
        children=[
            _delivery(row, [r for r in order.receipts[event.id] if r.subscriber == row.subscriber])
            for row in order.deliveries[event.id]
        ],
    )


def _delivery(row: Any, receipts: list[Any]) -> Entry:
    return Entry(
        at=row.changed_at,
        kind="delivery",
        text=f"{row.state} by {row.subscriber}" if row.state == HANDLED else _unhandled(row),
        id=f"{row.event_id}/{row.subscriber}",
        service=row.subscriber,
        children=[_attempt(receipt) for receipt in receipts],
    )


def _attempt(receipt: Any) -> Entry:
    because = f": {receipt.error}" if receipt.error else ""
    return Entry(
        at=receipt.at,
        kind="attempt",
        text=f"attempt {receipt.attempt}, {receipt.state}{because}",
        id=f"{receipt.event_id}/{receipt.subscriber}/{receipt.position}",
        service=receipt.subscriber,
    )


def _unhandled(row: Any) -> str:
    if row.state == PENDING:
        again = f", sent again {row.asked} times" if row.asked else ""
        return f"not heard yet at {row.subscriber}{again}"
    because = f": {row.reason}" if row.reason else ""
    return f"{row.state} at {row.subscriber}, tried {row.attempts} times{because}"


def _audited(row: Any) -> Entry:
    """What a person did, or wanted; decisions are told by the journal."""
    words = (f"{row.by} ({row.role}): {row.action}", row.detail, row.reason)
    refused = "refused: " if row.refused else ""
    return Entry(
        at=row.at,
        kind="audit",
        text=refused + ", ".join(word for word in words if word),
        id=str(row.number),
        saga_id=row.saga_id or "",
        service="orchestrator",
    )


def _is_missing(one: Mapping[str, Any]) -> bool:
    """Whether an event is missing as a whole; one that is on its way stands among deliveries."""
    return not one["seen"] and one["event_id"] is None


def _missing(one: Mapping[str, Any]) -> Entry:
    late = "late" if one["late"] else "not seen yet"
    text = f"{one['type']} of {one['source']} is {late}: {one['because']}"
    return Entry(at=one["since"], kind="expected", text=text, id=one["type"], service=one["source"])
