"""Draws who sends what to whom: senders on the left, what they send in between, receivers right.

As the picture of a saga: lines and letters are `currentColor`, nothing is styled in the file.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from html import escape
from math import log10
from typing import Any

from deploy.overview.observed import Edges

LETTER, LINE, PAD, ROOM = 7.2, 22, 16, 170


def svg(edges: Edges) -> str:
    """The edges as SVG; the more often, the thicker."""
    said = list(dict.fromkeys((edge["from"], edge["event"]) for edge in edges))
    middle = {pair: (number + 1.5) * LINE for number, pair in enumerate(said)}
    height = max(len(said) + 2, len({e["to"] for e in edges}) + 2, 3) * LINE
    senders = _centres(middle)
    receivers = _spread(sorted({edge["to"] for edge in edges}), height)
    names = [name for pair in said for name in pair] + list(receivers)
    wide = max(map(len, names), default=10) * LETTER
    columns = PAD + wide, PAD + wide + ROOM, PAD + 2 * wide + ROOM, PAD + 2 * wide + 2 * ROOM
    parts = [
        *_opening(edges, columns[3] + wide + PAD, height),
        *_lines(edges, senders, middle, receivers, columns),
        *(_text(columns[0], top, name, "service", "end") for name, top in senders.items()),
        *(_text(columns[1] + 4, top, kind, "message") for (_, kind), top in middle.items()),
        *(_text(columns[3] + 4, top, name, "service") for name, top in receivers.items()),
    ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _opening(edges: Edges, width: float, height: float) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" class="observed" '
        'aria-labelledby="observed-title observed-desc" font-family="system-ui, sans-serif" '
        'font-size="12">'
    )
    yield '<title id="observed-title">The process as observed</title>'
    told = (f"{e['from']} sent {e['event']} to {e['to']} {e['count']} times." for e in edges)
    yield f'<desc id="observed-desc">{escape(" ".join(told)) or "Nothing yet."}</desc>'


def _lines(
    edges: Edges,
    senders: Mapping[str, float],
    middle: Mapping[tuple[str, str], float],
    receivers: Mapping[str, float],
    columns: tuple[float, ...],
) -> Iterator[str]:
    totals: dict[tuple[str, str], int] = defaultdict(int)
    for edge in edges:
        pair = edge["from"], edge["event"]
        totals[pair] += edge["count"]
        yield _curve(columns[2], middle[pair], columns[3], receivers[edge["to"]], edge)
    for (sender, kind), count in totals.items():
        top = middle[sender, kind]
        told = {"from": sender, "event": kind, "to": "all", "count": count}
        yield _curve(columns[0] + 4, senders[sender], columns[1], top, told)


def _curve(left: float, start: float, right: float, end: float, edge: Mapping[str, Any]) -> str:
    bend = (left + right) / 2
    told = f"{edge['from']} → {edge['event']} → {edge['to']}: {edge['count']}"
    return (
        f'<path d="M{left:g} {start:g} C{bend:g} {start:g} {bend:g} {end:g} {right:g} {end:g}" '
        f'class="edge" fill="none" stroke="currentColor" stroke-opacity="0.4" '
        f'stroke-width="{1 + log10(max(edge["count"], 1)):.1f}">'
        f"<title>{escape(told)}</title></path>"
    )


def _centres(middle: Mapping[tuple[str, str], float]) -> dict[str, float]:
    """Each sender in the middle of what it sends."""
    tops = defaultdict(list)
    for (sender, _), top in middle.items():
        tops[sender].append(top)
    return {sender: sum(of) / len(of) for sender, of in tops.items()}


def _spread(names: list[str], height: float) -> dict[str, float]:
    apart = height / (len(names) + 1)
    return {name: apart * (number + 1) for number, name in enumerate(names)}


def _text(left: float, top: float, name: str, kind: str, anchor: str = "start") -> str:
    weight = ' font-weight="600"' if kind == "service" else ""
    return (
        f'<text x="{left:g}" y="{top + 4:g}" class="{kind}" text-anchor="{anchor}"{weight} '
        f'fill="currentColor">{escape(name)}</text>'
    )
