"""How a mail reads: each kind is a text, whose first line is the title, and an HTML beside it.

The files are Jinja templates in `templates/`; whatever a customer or a shop wrote is escaped in
HTML, and a name that a template does not get is an error.
"""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

TEMPLATES = Path(__file__).parent / "templates"


class Rendered(NamedTuple):
    """What a mail says."""

    title: str
    text: str
    html: str


def rendered(kind: str, **values: Any) -> Rendered:
    """The mail of this kind with these values."""
    title, _, text = _templates().get_template(f"{kind}.txt").render(values).partition("\n")
    html = _templates().get_template(f"{kind}.html").render(values, title=title)
    return Rendered(title, text.lstrip("\n"), html)


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
