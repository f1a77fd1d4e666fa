"""What every command shares: the app, the stack it speaks to, and how it prints."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from deploy.client import Platform, Refused

app = typer.Typer(
    name="concerto",
    help="An order platform: run it, submit orders, and see where each one is.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
console = Console(stderr=True)
out = Console(soft_wrap=True)

Data = Annotated[Path, typer.Option("--data", help="The stack's folder.", envvar="CONCERTO_DIR")]
Url = Annotated[str, typer.Option("--url", help="Another platform; needs CONCERTO_TOKEN.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
FOLDER = Path(".concerto")


def platform(data: Path, url: str = "", role: str = "admin", subject: str = "cli") -> Platform:
    """The platform of `--url` with CONCERTO_TOKEN, or the stack in `--data` with a fresh token."""
    if url:
        token = os.environ.get("CONCERTO_TOKEN")
        if not token:
            raise Refused("--url needs a token in CONCERTO_TOKEN (concerto token makes one)")
        return Platform(url.rstrip("/"), token)
    from deploy.local import lifecycle

    stack = found(data)
    return Platform(stack.url, lifecycle.token(stack, role, subject))


def found(data: Path) -> Any:
    """The stack in `data`; `Refused` when there is none."""
    from deploy.local.stack import NoStack, Stack

    try:
        return Stack.read(data)
    except NoStack as error:
        raise Refused(str(error)) from None


def show(value: Any) -> None:
    """Print as JSON."""
    typer.echo(json.dumps(value, indent=2, default=str))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print as a table; the first column, by which one is chosen, is never cut."""
    whole = max((len(str(row[0])) for row in rows), default=0)
    heads: list[Column | str] = [Column(columns[0], min_width=whole), *columns[1:]]
    drawn = Table(*heads, title=title, title_justify="left", box=None, pad_edge=False)
    for row in rows:
        drawn.add_row(*(str(cell) for cell in row))
    out.print(drawn)
