"""A saga as one SVG picture: the whole process, or where one saga of it stands.

Downwards it goes forward; on the left, dashed, lies the way back, from every step that can be
undone to the end "undone"; on the right stands what is an exception, who is asked, and what is
published to whom. Colours are presentation attributes under class names and the lines are
`currentColor`, so that a page with a strict content policy can show it, in the dark too. All of it
is read from the definition; counts and subscribers are given.
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from textwrap import wrap
from typing import NamedTuple

from orchestrator.core.definition import Saga, Step, command_of
from orchestrator.core.draw import duration, exceptions, publishes
from orchestrator.core.state import State, StepState
from orchestrator.core.tell import standing

Counts = Mapping[str, Mapping[str, int]]
Subscribers = Mapping[str, Sequence[str]]
LINE, PAD, GAP, LANE, HEAD, SIDE = 16, 12, 34, 26, 44, 46
LETTER, BOLD = 7.2, 8.4  # the widest that a letter is on average, in small and in bold
NOTE_LETTERS = 58
FILLS = {
    "waiting": "none",
    "skipped": "none",
    "doing": "#3b82f6",
    "doubtful": "#f97316",
    "done": "#22c55e",
    "failed": "#ef4444",
    "undoing": "#f97316",
    "undone": "#a1a1aa",
    "trouble": "#ef4444",
}


class Box(NamedTuple):
    """A step where it is drawn: what stands in it, and its corner."""

    step: Step
    lines: tuple[str, ...]
    left: float
    top: float
    height: float


class Row(NamedTuple):
    """Steps that run together, and the lines beside them."""

    boxes: tuple[Box, ...]
    notes: tuple[str, ...]
    top: float
    height: float


def svg(
    saga: Saga,
    state: State | None = None,
    live: Counts | None = None,
    subscribers: Subscribers | None = None,
) -> str:
    """The process as SVG: with `state` where one saga stands, with `live` how many sagas stand at
    each step by status, with `subscribers` who hears each event."""
    width = _box_width(saga)
    rows = _rows(saga, width, state, live or {}, subscribers or {})
    bottom = rows[-1].top + rows[-1].height + GAP
    centre = LANE + SIDE + _columns(saga) * (width + SIDE) / 2 - SIDE / 2
    right = LANE + SIDE + _columns(saga) * (width + SIDE)
    total = right + NOTE_LETTERS * LETTER + PAD, bottom + HEAD
    parts = [
        *_opening(saga, state, total),
        *_end("start", centre, GAP - 8),
        *_forward(rows, centre, width, bottom),
        *_back(rows),
        *(part for row in rows for part in _row(row, width, right, state, saga)),
        *_end("completed", centre, bottom + HEAD / 2 - 4),
    ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _opening(saga: Saga, state: State | None, total: tuple[float, float]) -> Iterator[str]:
    """The frame, and what a screen reader says in its place."""
    width, height = (f"{side:.0f}" for side in total)
    name = f"process-{saga.name}"
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-labelledby="{name}-title {name}-desc" '
        'class="process" font-family="system-ui, sans-serif" font-size="12">'
    )
    yield f'<title id="{name}-title">{escape(_title(saga, state))}</title>'
    yield f'<desc id="{name}-desc">{escape(" ".join(_described(saga, state)))}</desc>'


def _title(saga: Saga, state: State | None) -> str:
    where = f", {state.status}" if state else ""
    return f"The {saga.name} saga, version {saga.version}{where}"


def _described(saga: Saga, state: State | None) -> Iterator[str]:
    for place, step in enumerate(saga.flat):
        undo = f", undone by {command_of(step.undo).__name__}" if step.undo else ""
        now = f", {standing(state.steps[place])}" if state else ""
        pivot = ", the pivot" if step.pivot else ""
        command = command_of(step.do)
        yield f"{step.name}: {command.__name__} to {command.to}{pivot}{undo}{now}."


def _box_width(saga: Saga) -> float:
    lines = [line for step in saga.flat for line in _facts(step)]
    heads = [_head(step) for step in saga.flat]
    return max(LETTER * max(map(len, lines)), BOLD * max(map(len, heads)) + 30) + 2 * PAD


def _columns(saga: Saga) -> int:
    return max(len(group) for group in saga.groups)


def _rows(
    saga: Saga, width: float, state: State | None, live: Counts, subscribers: Subscribers
) -> list[Row]:
    rows: list[Row] = []
    top, columns = float(GAP + HEAD / 2), _columns(saga)
    for group in saga.groups:
        steps = [saga.flat[place] for place in group]
        lines = [_inside(saga, place, state, live) for place in group]
        notes = tuple(_notes(steps, subscribers))
        tall = max(LINE * max(map(len, lines)), LINE * len(notes)) + 2 * PAD
        left = LANE + SIDE + (columns - len(group)) * (width + SIDE) / 2
        boxes = tuple(
            Box(step, inside, left + column * (width + SIDE), top, tall)
            for column, (step, inside) in enumerate(zip(steps, lines, strict=True))
        )
        rows.append(Row(boxes, notes, top, tall))
        top += tall + GAP
    return rows


def _head(step: Step) -> str:
    return f"{step.name} (pivot)" if step.pivot else step.name


def _facts(step: Step) -> Iterator[str]:
    """What the definition says of a step, a line each."""
    command = command_of(step.do)
    yield f"{command.__name__} → {command.to}"
    yield f"waits {duration(step.within)}, sent again {step.attempts} times"
    if step.when:
        yield f"only if it {step.when.__name__.replace('_', ' ')}"
    if step.undo:
        undo = command_of(step.undo)
        yield f"undo: {undo.__name__} → {undo.to}"


def _inside(saga: Saga, place: int, state: State | None, live: Counts) -> tuple[str, ...]:
    """The lines in a box: its name first, and last how it stands."""
    step = saga.flat[place]
    counts = ", ".join(f"{n} {status}" for status, n in live.get(step.name, {}).items() if n)
    now = standing(state.steps[place]) if state else ""
    return tuple(line for line in (_head(step), *_facts(step), counts, now) if line)


def _notes(steps: Sequence[Step], subscribers: Subscribers) -> Iterator[str]:
    """The lines beside a row; of several steps each begins with whose they are."""
    for step in steps:
        whose = f"{step.name}: " if len(steps) > 1 else ""
        for said in (*_exceptions(step), *_published(step, subscribers)):
            yield from wrap(whose + said, NOTE_LETTERS, subsequent_indent="   ")


def _exceptions(step: Step) -> Iterator[str]:
    for result, then in exceptions(step).items():
        yield f"? {result}: {then}"


def _published(step: Step, subscribers: Subscribers) -> Iterator[str]:
    for event in publishes(step):
        heard = ", ".join(subscribers.get(event, ()))
        yield f"⇒ {event}" + (f" to {heard}" if heard else "")


def _row(row: Row, width: float, right: float, state: State | None, saga: Saga) -> Iterator[str]:
    for box in row.boxes:
        now = state.steps[saga.place[box.step.name]] if state else None
        yield from _box(box, width, now)
    for number, note in enumerate(row.notes):
        yield _text(right, row.top + PAD + LINE * (number + 0.7), note, "note")
    if row.notes:
        last = row.boxes[-1].left + width
        yield _path(f"M{last:g} {row.top + PAD:g} H{right - 8:g}", "note", dash="2 4")


def _box(box: Box, width: float, now: StepState | None) -> Iterator[str]:
    standing_now = "waiting" if now is None else "trouble" if now.trouble else now.status
    fill = FILLS[standing_now]
    yield (
        f'<rect x="{box.left:g}" y="{box.top:g}" width="{width:g}" height="{box.height:g}" rx="6" '
        f'class="step {standing_now}" fill="{fill}" fill-opacity="0.22" stroke="currentColor" '
        f'stroke-width="{3 if box.step.pivot else 1}"/>'
    )
    for number, line in enumerate(box.lines):
        kind = "name" if number == 0 else "fact"
        yield _text(box.left + PAD, box.top + PAD + LINE * (number + 0.7), line, kind)


def _forward(rows: Sequence[Row], centre: float, width: float, bottom: float) -> Iterator[str]:
    """The way forward: into each box from above, out of it below."""
    above = GAP + 2.0
    for row in rows:
        for box in row.boxes:
            middle = box.left + width / 2
            bend = f"M{centre:g} {above:g} V{above + 8:g} H{middle:g} V{box.top - 7:g}"
            yield _path(bend, "forward")
            yield _arrow(middle, box.top, down=True)
        above = row.top + row.height
        for box in row.boxes if len(row.boxes) > 1 else ():
            middle = box.left + width / 2
            yield _path(f"M{middle:g} {above:g} V{above + 8:g} H{centre:g}", "forward")
        above += 8 if len(row.boxes) > 1 else 0
    yield _path(f"M{centre:g} {above:g} V{bottom - 7:g}", "forward")
    yield _arrow(centre, bottom, down=True)


def _back(rows: Sequence[Row]) -> Iterator[str]:
    """The way back: from each step that can be undone to the lane, and up to the end "undone"."""
    lowest = 0.0
    for row in rows:
        for column, box in enumerate(row.boxes):
            if not box.step.undo:
                continue
            under = row.top + row.height
            if column:  # below the boxes before it
                lowest = under + GAP - 12 + 4 * column
                way = f"M{box.left + 20:g} {under:g} V{lowest:g} H{LANE:g}"
            else:
                lowest = under - row.height / 2
                way = f"M{box.left:g} {lowest:g} H{LANE:g}"
            yield _path(way, "back", dash="6 4")
    if lowest:
        yield _path(f"M{LANE:g} {lowest:g} V{HEAD / 2 + 12:g}", "back", dash="6 4")
        yield _arrow(LANE, HEAD / 2 + 6, down=False)
        yield from _end("undone", LANE + 14, HEAD / 2 - 6)


def _end(name: str, middle: float, top: float) -> Iterator[str]:
    """Where the saga begins or ends."""
    width = len(name) * BOLD + 2 * PAD
    yield (
        f'<rect x="{middle - width / 2:g}" y="{top - 14:g}" width="{width:g}" height="24" '
        f'rx="12" class="end" fill="none" stroke="currentColor"/>'
    )
    yield _text(middle, top + 2, name, "name", "middle")


def _text(left: float, top: float, line: str, kind: str, anchor: str = "start") -> str:
    weight = ' font-weight="600"' if kind == "name" else ""
    return (
        f'<text x="{left:g}" y="{top:g}" class="{kind}" text-anchor="{anchor}"{weight} '
        f'fill="currentColor">{escape(line)}</text>'
    )


def _path(way: str, kind: str, dash: str = "") -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path d="{way}" class="{kind}" fill="none" stroke="currentColor"{dashed}/>'


def _arrow(middle: float, tip: float, down: bool) -> str:
    back = -8 if down else 8
    return (
        f'<path d="M{middle:g} {tip:g} l-5 {back} h10 z" class="arrow" fill="currentColor" '
        'stroke="none"/>'
    )
