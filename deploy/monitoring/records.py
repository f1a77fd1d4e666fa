"""What the processes of a stack recorded about one order: its spans, its lines in their logs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contracts.messages.values import saga_id_of
from contracts.runtime.tracing import trace_of

Span = dict[str, Any]


def spans(file: Path, order: str) -> list[Span]:
    """The spans of an order, oldest first; of any id that one of its spans names."""
    every = list(_read(file))
    traces = {f"{trace_of(order):032x}"}
    traces |= {span["trace"] for span in every if order in span["attributes"].values()}
    mine = {span["span"]: span for span in every if span["trace"] in traces}
    return sorted(mine.values(), key=lambda span: (span["began"], span["ended"]))


def _read(file: Path) -> Iterator[Span]:
    """Every span that is still kept."""
    for each in file.parent.glob(f"{file.name}*"):
        with each.open() as kept:
            yield from map(json.loads, kept)


def tree(mine: list[Span]) -> list[str]:
    """Each span below its parent: when it began, how long it took, where, and what it was."""
    known = {span["span"] for span in mine}
    roots = [span for span in mine if span["parent"] not in known]
    return [line for root in roots for line in _below(root, mine, mine[0]["began"], 0)]


def _below(span: Span, mine: list[Span], since: int, depth: int) -> Iterator[str]:
    after, took = (span["began"] - since) / 1e9, (span["ended"] - span["began"]) / 1e6
    wrong = f"  ! {span['wrong']}" if span["wrong"] else ""
    name = "  " * depth + str(span["name"])
    yield f"{after:9.3f} s {took:9.1f} ms  {span['service']:14} {name}{wrong}"
    for child in mine:
        if child["parent"] == span["span"]:
            yield from _below(child, mine, since, depth + 1)


def lines(folder: Path, order: str) -> list[dict[str, Any]]:
    """The log lines that name an order, its saga or its trace, in order of time."""
    names = (order, saga_id_of(order), f"{trace_of(order):032x}")
    found = [
        {**entry, "process": file.name.split(".log")[0]}
        for file in sorted(folder.glob("*.log*"))
        for line in file.read_text(errors="replace").splitlines()
        if any(name in line for name in names) and (entry := _entry(line))
    ]
    return sorted(found, key=lambda entry: str(entry["timestamp"]))


def _entry(line: str) -> dict[str, Any]:
    """One line of structlog; empty when it is something else."""
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    known = isinstance(entry, dict) and {"timestamp", "level", "event"} <= set(entry)
    return entry if known else {}
