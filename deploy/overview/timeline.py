"""One timeline across both halves: what the sagas did, what was published, and what became of it.

The words are the journal's own. A command has what came back as its child, and each time it was
sent again; an event has its deliveries, each with its attempts, and the events it caused.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from deploy.overview.expected import expected
from deploy.overview.messages import result_name
from deploy.overview.order import Order, name_of
from orchestrator.shell.tables import JournalRow
from side_effects.trail.consumer import HANDLED, PENDING

SENT = r"(.*; )?(undo )?sent( again| to)|asked "  # how a note begins that tells of a command
ENDED = re.compile(r"the \w+ is (completed|undone)")
ASKED = re.compile(r"\w+ is asked( \(a second person.*?\))?: ")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that happened: when, where, and in words."""

    at: datetime
    kind: str
    text: str
    id: str
    saga: str = ""
    saga_id: str = ""
    step: str = ""
    service: str = ""
    children: list["Entry"] = field(default_factory=list)


def timeline(order: Order) -> dict[str, Any]:
    """What happened to an order, in order of time."""
    sent: dict[str, Entry] = {}
    entries = [
        entry
        for saga in order.sagas
        for row in (None, *order.journals[saga.id])
        for entry in (_Told(order, saga, row, sent).entries() if row else (_started(saga),))
    ]
    entries += [*_events(order), *map(_audited, filter(_is_told_nowhere, order.audit))]
    entries += [_missing(one) for one in expected(order) if _is_missing(one)]
    entries.sort(key=lambda entry: entry.at)
    return {
        "order_id": order.id,
        "started_at": order.started_at,
        "entries": [_json(entry, order.started_at) for entry in entries],
    }


def lines(told: Mapping[str, Any]) -> Iterator[str]:
    """A timeline as lines of text: the time since the beginning, and what happened."""
    for entry in told["entries"]:
        yield from _lines(entry, 0)


def _lines(entry: Mapping[str, Any], depth: int) -> Iterator[str]:
    saga = f"{entry['saga']}: " if entry["saga"] not in ("", "order") else ""
    yield f"{entry['after_seconds']:>10.2f} s  {'    ' * depth}{saga}{entry['text']}"
    for child in entry["children"]:
        yield from _lines(child, depth + 1)


def _json(entry: Entry, began: datetime) -> dict[str, Any]:
    told = asdict(entry)
    told["after_seconds"] = round((entry.at - began).total_seconds(), 3)
    told["children"] = [
        _json(child, began) for child in sorted(entry.children, key=lambda child: child.at)
    ]
    return told


def _started(saga: Any) -> Entry:
    part = f" {saga.data['number']} of {saga.data['of']}" if saga.parent else ""
    return Entry(
        at=saga.started_at,
        kind="started",
        text=f"the {saga.name}{part} begins",
        id=saga.id,
        saga=saga.name,
        saga_id=saga.id,
        service="orchestrator",
    )


class _Told:
    """One entry of a saga's journal, as entries of the timeline; `sent` are the commands so far."""

    def __init__(self, order: Order, saga: Any, row: JournalRow, sent: dict[str, Entry]) -> None:
        self._order, self._saga, self._row, self._sent = order, saga, row, sent
        self._notes: list[str] = list(row.notes)

    def entries(self) -> Iterator[Entry]:
        """What came in, what the saga made of it, and what it sent."""
        answer = self._answer()
        commands = [self._command(command) for command in self._row.commands]
        if answer:
            yield answer
        told = self._row.input
        for place, note in enumerate(self._notes):
            if not self._is_published(note):
                yield self._entry(_kind_of(note, place, told), note, self._id(place))
        for entry in commands:
            if entry:
                yield entry

    def _command(self, command: Mapping[str, Any]) -> Entry | None:
        """The command, unless it was sent before: then the first one has it as a child."""
        usual = f"{command['step']}: sent to {command['to']}"
        text = self._taken(rf"{re.escape(command['step'])}: ({SENT})") or usual
        place = {"step": command["step"], "service": command["to"]}
        entry = self._entry("command", text, command["id"], **place)
        first = self._sent.setdefault(command["id"], entry)
        if first is entry:
            return entry
        first.children.append(entry)
        return None

    def _answer(self) -> Entry | None:
        """The result that came in; the child of its command, where that was sent from here."""
        told = self._row.input
        command = self._sent.get(told["command_id"]) if told["kind"] == "Answer" else None
        if command is None:
            return None
        usual = f"{command.step}: {result_name(self._row)}"
        text = self._taken(rf"{re.escape(command.step)}: (?!{SENT})") or usual
        place = {"step": command.step, "service": command.service}
        command.children.append(self._entry("result", text, told["command_id"], **place))
        return None

    def _taken(self, pattern: str) -> str | None:
        """The first note like this, which then is told."""
        found = next((note for note in self._notes if re.match(pattern, note)), None)
        if found:
            self._notes.remove(found)
        return found

    def _is_published(self, note: str) -> bool:
        """Whether the event of this note stands in the log, and is told from there."""
        name = note.removesuffix(" published")
        return name != note and any(name_of(e.type) == name for e in self._order.events)

    def _id(self, place: int) -> str:
        return f"{self._saga.id}/{self._row.version}/{place}"

    def _entry(self, kind: str, text: str, identity: str, **place: str) -> Entry:
        step = next((s for s in (text.partition(": ")[0],) if s in _steps(self._saga)), "")
        where = {"step": step, "service": "orchestrator", **place}
        return Entry(
            at=self._row.at,
            kind=kind,
            text=text,
            id=identity,
            saga=self._saga.name,
            saga_id=self._saga.id,
            **where,
        )


def _steps(saga: Any) -> set[str]:
    return {step["name"] for step in saga.state["steps"]}


def _kind_of(note: str, place: int, told: Mapping[str, Any]) -> str:
    if ENDED.match(note):
        return "ended"
    if ASKED.match(note):
        return "review"
    return "decided" if told.get("by") and place == 0 else "note"


def _events(order: Order) -> list[Entry]:
    """The events of an order; one that another caused is the child of that."""
    entries = {event.id: _event(order, event) for event in order.events}
    for event in order.events:
        if event.cause in entries:
            entries[event.cause].children.append(entries[event.id])
    return [entries[event.id] for event in order.events if event.cause not in entries]


def _event(order: Order, event: Any) -> Entry:
    deliveries = [_delivery(event, row) for row in order.deliveries[event.id]]
    return Entry(
        at=event.at,
        kind="event",
        text=f"{name_of(event.type)} published by {event.source}",
        id=event.id,
        service=event.source,
        children=deliveries,
    )


def _delivery(event: Any, row: Any) -> Entry:
    text = f"{row.state} by {row.subscriber}" if row.state == HANDLED else _unhandled(row)
    return Entry(
        at=row.changed_at,
        kind="delivery",
        text=text,
        id=f"{event.id}/{row.subscriber}",
        service=row.subscriber,
        children=[],
    )


def _unhandled(row: Any) -> str:
    if row.state == PENDING:
        again = f", sent again {row.asked} times" if row.asked else ""
        return f"not heard yet at {row.subscriber}{again}"
    because = f": {row.reason}" if row.reason else ""
    return f"{row.state} at {row.subscriber}{because}"


def _is_told_nowhere(row: Any) -> bool:
    """Whether the journal does not tell of it: what was decided stands there."""
    return bool(row.refused or row.action != "decide")


def _audited(row: Any) -> Entry:
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
