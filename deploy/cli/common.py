"""What every command shares: the app, the stack it speaks to, and how it prints."""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

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


class Refused(Exception):
    """The command cannot do that; the text says what to do instead."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


@dataclass
class Platform:
    """A platform's HTTP, and a token for it."""

    url: str
    token: str

    def get(self, path: str) -> Any:
        """What the platform answers."""
        return self.call("GET", path)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Call the platform; `Refused` tells its problem."""
        request = urllib.request.Request(
            self.url + path,
            data=json.dumps(body).encode() if body is not None else None,
            method=method,
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                **headers,
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return _read(answer)
        except urllib.error.HTTPError as error:
            raise Refused(_problem(error)) from None
        except OSError as error:
            raise Refused(f"{self.url} cannot be reached ({error}): is it up?") from None


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
    """Print as a table."""
    drawn = Table(*columns, title=title, title_justify="left", box=None, pad_edge=False)
    for row in rows:
        drawn.add_row(*(str(cell) for cell in row))
    out.print(drawn)


def _read(answer: Any) -> Any:
    body = answer.read().decode()
    if answer.headers.get_content_type() == "application/jsonl":
        return [json.loads(line) for line in body.splitlines()]
    return json.loads(body)


def _problem(error: urllib.error.HTTPError) -> str:
    try:
        said = json.load(error)
    except ValueError:
        return f"HTTP {error.code}"
    wrong = "; ".join(f"{e['at']}: {e['what']}" for e in said.get("errors", ()))
    return ". ".join(part for part in (said.get("title"), said.get("detail"), wrong) if part)
