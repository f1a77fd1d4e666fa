"""Plots as SVG, drawn on the server: bars over days, and bars side by side."""

from collections.abc import Sequence

from markupsafe import Markup

WIDTH, HEIGHT, FOOT, HEAD = 720, 180, 22, 16
ROW, LABEL, FIGURE = 26, 180, 70


def days(title: str, values: Sequence[tuple[str, float, str]]) -> Markup:
    """A bar for each (day, value, what is said of it), from left to right."""
    most = max((value for _, value, _ in values), default=0) or 1
    each = WIDTH / max(len(values), 1)
    shown = []
    for place, (day, value, said) in enumerate(values):
        tall = (HEIGHT - FOOT - HEAD) * value / most
        left, wide = place * each, min(max(each - 2, 1), 60)
        shown.append(
            Markup(
                '<rect class="bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">'
                "<title>{}: {}</title></rect>"
            ).format(left, HEIGHT - FOOT - tall, wide, tall, day, said)
        )
    if values:
        shown.append(_text(0, HEIGHT - 6, values[0][0]))
        if len(values) > 1:
            shown.append(_text(WIDTH, HEIGHT - 6, values[-1][0], "end"))
        shown.append(_text(0, 11, f"most: {max(values, key=lambda v: v[1])[2]}"))
    return _drawn(title, HEIGHT, shown)


def bars(title: str, values: Sequence[tuple[str, float, str]]) -> Markup:
    """A bar for each (name, value, what is said of it), one below the other."""
    most = max((value for _, value, _ in values), default=0) or 1
    shown = []
    for place, (name, value, said) in enumerate(values):
        top = place * ROW
        wide = (WIDTH - LABEL - FIGURE) * value / most
        shown.append(_text(LABEL - 8, top + 17, _cut(name), "end"))
        shown.append(
            Markup(
                '<rect class="bar" x="{}" y="{}" width="{:.1f}" height="{}">'
                "<title>{}: {}</title></rect>"
            ).format(LABEL, top + 4, max(wide, 1), ROW - 8, name, said)
        )
        shown.append(_text(LABEL + max(wide, 1) + 6, top + 17, said))
    return _drawn(title, max(len(values), 1) * ROW, shown)


def _drawn(title: str, height: int, shown: Sequence[Markup]) -> Markup:
    head = Markup('<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">')
    return head.format(WIDTH, height, title) + Markup("").join(shown) + Markup("</svg>")


def _text(left: float, top: float, said: str, anchor: str = "start") -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
        left, top, anchor, said
    )


def _cut(name: str) -> str:
    return name if len(name) <= 26 else f"{name[:25]}…"
