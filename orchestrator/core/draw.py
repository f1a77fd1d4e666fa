"""A saga as text: a plain table, or Mermaid; the SVG is drawn by `picture`.

What the table cannot say, the picture cannot show: all of it is read from the definition.
"""

from datetime import timedelta
from typing import get_type_hints

from orchestrator.core.definition import Query, Saga, Step, command_of, results_of


def table(saga: Saga) -> list[str]:
    """The definition as lines of text: one for each step."""
    head = ("step", "command", "to", "waits", "undo", "exceptions")
    rows = [head, *(_row(saga, place) for place in range(len(saga.flat)))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]


def mermaid(saga: Saga) -> str:
    """The definition as a Mermaid flowchart: forward downwards, undoing back."""
    lines = ["flowchart TD", "  start([start])"]
    before = ["start"]
    for group in saga.groups:
        for place in group:
            step = saga.flat[place]
            left, right = ("{{", "}}") if step.pivot else ("[", "]")
            lines.append(f'  s{place}{left}"{_label(step)}"{right}')
            lines.extend(f"  {one} --> s{place}" for one in before)
            if step.undo:
                lines.append(f'  s{place} -. "{command_of(step.undo).words()}" .-> undone')
        before = [f"s{place}" for place in group]
    lines.extend(f"  {one} --> completed" for one in before)
    lines.extend(["  completed([completed])", "  undone([undone])"])
    return "\n".join(lines) + "\n"


def exceptions(step: Step) -> dict[str, str]:
    """What becomes of each result that is an exception, in words, by its name."""
    told = {}
    for result, rule in step.on.items():
        if isinstance(rule, Query):
            asked = f"asked by {command_of(rule.command).__name__} every {duration(rule.every)}"
            then = f"{asked}, {rule.attempts} times, then a person"
        else:
            second = ", a second person" if rule.second_person else ""
            then = f"{rule.by} decides in {duration(rule.within)}{second}: {rule.question}"
        told[result.__name__] = then
    return told


def publishes(step: Step) -> tuple[str, ...]:
    """The events that come of a step, by name: what it publishes, and its public results."""
    results = [*results_of(step.do), *(results_of(step.undo) if step.undo else ())]
    public = sorted({result.__name__ for result in results if result.public})
    event = get_type_hints(step.publish)["return"].__name__ if step.publish else ""
    return tuple(name for name in (event, *public) if name)


def duration(span: timedelta) -> str:
    """A time as a definition says it: 20 s, 5 min, 4 h, 14 days."""
    seconds = span.total_seconds()
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size or (seconds >= size and unit != "days"):
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def _row(saga: Saga, place: int) -> tuple[str, ...]:
    step = saga.flat[place]
    mark = "◆ " if step.pivot else "∥ " if len(_group(saga, place)) > 1 else "  "
    command = command_of(step.do)
    within = f"{step.within.total_seconds():g} s, again ×{step.attempts}"
    undo = command_of(step.undo).__name__ if step.undo else "-"
    name = f"{mark}{step.name}" + (f" (if {_name(step.when)})" if step.when else "")
    return (name, command.__name__, command.to, within, undo, _exceptions(step))


def _exceptions(step: Step) -> str:
    said = []
    for result, rule in step.on.items():
        if isinstance(rule, Query):
            asks = f"ask {command_of(rule.command).__name__} ×{rule.attempts}"
            said.append(f"{result.__name__}: {asks} every {rule.every.total_seconds():g} s")
        else:
            second = " (a second person)" if rule.second_person else ""
            said.append(f"{result.__name__}: {rule.by} decides{second}")
    return "; ".join(said) or "-"


def _group(saga: Saga, place: int) -> tuple[int, ...]:
    return next(group for group in saga.groups if place in group)


def _label(step: Step) -> str:
    return f"{step.name}<br/>{command_of(step.do).to}"


def _name(function: object) -> str:
    return str(getattr(function, "__name__", "…")).replace("_", " ")
