"""What one saga did, as entries of a timeline, in the words of its own journal.

A command has as its children what came back and each time it was sent again. What a saga published
is told by the event log, where it arrived there.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from deploy.overview.messages import result_name
from deploy.overview.order import Order, name_of

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


def told(order: Order, saga: Any) -> list[Entry]:
    """What happened in one saga of the order, from its beginning on."""
    steps = {step["name"] for step in saga.state["steps"]}
    published = {name_of(event.type) for event in order.events}
    sent: dict[str, Entry] = {}
    entries = [_started(saga)]
    for row in order.journals[saga.id]:
        entries += _Turn(saga, row, steps).entries(sent, published)
    return entries


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


class _Turn:
    """One entry of the journal: what came in, and what the saga made of it."""

    def __init__(self, saga: Any, row: Any, steps: set[str]) -> None:
        self._saga, self._row, self._steps = saga, row, steps
        self._notes: list[str] = list(row.notes)

    def entries(self, sent: dict[str, Entry], published: set[str]) -> Iterator[Entry]:
        """What is new; what belongs to a command that was `sent` before becomes its child."""
        commands = [self._command(command) for command in self._row.commands]
        came = self._row.input
        if came["kind"] == "Answer" and (answered := sent.get(came["command_id"])):
            answered.children.append(self._result(answered))
        for place, note in enumerate(self._notes):
            if note.removesuffix(" published") not in published:
                identity = f"{self._saga.id}/{self._row.version}/{place}"
                yield self._entry(self._kind_of(note, place), note, identity)
        for command in commands:
            first = sent.setdefault(command.id, command)
            if first is command:
                yield command
            else:
                first.children.append(command)

    def _command(self, command: Mapping[str, Any]) -> Entry:
        step, to = command["step"], command["to"]
        text = self._taken(rf"{re.escape(step)}: ({SENT})") or f"{step}: sent to {to}"
        return self._entry("command", text, command["id"], to)

    def _result(self, command: Entry) -> Entry:
        step = command.step
        usual = f"{step}: {result_name(self._row)}"
        text = self._taken(rf"{re.escape(step)}: (?!{SENT})") or usual
        return self._entry("result", text, command.id, command.service)

    def _taken(self, pattern: str) -> str | None:
        """The first note like this; it is told then."""
        found = next((note for note in self._notes if re.match(pattern, note)), None)
        if found:
            self._notes.remove(found)
        return found

    def _kind_of(self, note: str, place: int) -> str:
        if ENDED.match(note):
            return "ended"
        if ASKED.match(note):
            return "review"
        return "decided" if self._row.input.get("by") and place == 0 else "note"

    def _entry(self, kind: str, text: str, identity: str, service: str = "orchestrator") -> Entry:
        step = text.partition(": ")[0]
        return Entry(
            at=self._row.at,
            kind=kind,
            text=text,
            id=identity,
            saga=self._saga.name,
            saga_id=self._saga.id,
            step=step if step in self._steps else "",
            service=service,
        )
