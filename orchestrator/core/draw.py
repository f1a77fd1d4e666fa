"""A saga as a picture: a plain table, Mermaid text, or SVG (of the definition, or of one state).

What the table cannot say, the picture cannot show: all of it is read from the definition.
"""

from html import escape

from orchestrator.core.definition import Make, Query, Saga, Step, command_of
from orchestrator.core.state import State, StepState
from orchestrator.core.tell import standing

WIDTH, HEIGHT, GAP = 250, 56, 26
FILLS = {
    "waiting": "#f4f4f5",
    "skipped": "#f4f4f5",
    "doing": "#fef3c7",
    "doubtful": "#fed7aa",
    "done": "#bbf7d0",
    "failed": "#fecaca",
    "undoing": "#fed7aa",
    "undone": "#e4e4e7",
}


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


def svg(saga: Saga, state: State | None = None) -> str:
    """The definition as SVG; with a state, each step is coloured by where it stands."""
    columns = max(len(group) for group in saga.groups)
    width = columns * (WIDTH + GAP) + GAP
    height = len(saga.groups) * (HEIGHT + GAP) + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="saga {escape(saga.name)}" '
        'font-family="sans-serif" font-size="13">'
    ]
    for row, group in enumerate(saga.groups):
        top = GAP + row * (HEIGHT + GAP)
        if row:
            parts.append(_arrow(width / 2, top - GAP, top))
        left = (width - len(group) * (WIDTH + GAP) + GAP) / 2
        for column, place in enumerate(group):
            now = state.steps[place] if state else None
            parts.append(_box(saga.flat[place], now, left + column * (WIDTH + GAP), top))
    return "\n".join([*parts, "</svg>"]) + "\n"


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


def _arrow(middle: float, top: float, bottom: float) -> str:
    return (
        f'<path d="M{middle:g} {top + 2:g} V{bottom - 8:g} m-5 0 h10 l-5 6 z" '
        'stroke="#71717a" fill="#71717a"/>'
    )


def _box(step: Step, now: StepState | None, left: float, top: float) -> str:
    fill = "#fca5a5" if now and now.trouble else FILLS[now.status] if now else "#ffffff"
    line = standing(now) if now else _under(step.do, step.undo)
    return (
        f'<rect x="{left:g}" y="{top:g}" width="{WIDTH}" height="{HEIGHT}" rx="6" fill="{fill}" '
        f'stroke="#3f3f46" stroke-width="{3 if step.pivot else 1}"/>'
        f'<text x="{left + WIDTH / 2:g}" y="{top + 23:g}" text-anchor="middle" fill="#18181b" '
        f'font-weight="bold">{escape(step.name)}</text>'
        f'<text x="{left + WIDTH / 2:g}" y="{top + 42:g}" text-anchor="middle" fill="#3f3f46" '
        f'font-size="11">{escape(line)}</text>'
    )


def _under(do: Make, undo: Make | None) -> str:
    back = f" ↶ {command_of(undo).__name__}" if undo else ""
    return f"{command_of(do).__name__}{back}"
