"""submit, why, demo: orders, from the outside."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import track

from deploy.cli.common import FOLDER, AsJson, Data, Url, app, console, out, platform
from deploy.cli.common import show as show_json
from deploy.client import Refused

BATCH = 200
WATCH_SECONDS = 1.0


@app.command()
def submit(file: Path, data: Data = FOLDER, url: Url = "") -> None:
    """Submit orders from JSON lines, each with its `key`; nothing is sent when a line is bad."""
    orders = list(_read(file))
    shop = platform(data, url, "shop", "cli")
    refused = 0
    for at in track(range(0, len(orders), BATCH), "submitting", console=console):
        for answer in shop.call("POST", "/orders:batch", {"orders": orders[at : at + BATCH]}):
            refused += "id" not in answer
            typer.echo(json.dumps(answer))
    if refused:
        raise Refused(f"{refused} of {len(orders)} orders were refused; see their lines")


@app.command()
def why(
    order: str,
    data: Data = FOLDER,
    url: Url = "",
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option("--watch", help="Until it has ended.")] = False,
) -> None:
    """Say where an order is, since when, what was tried, what is next, what a person may do."""
    if watch:
        return _watch(order, data, url, as_json)
    answer = platform(data, url).get(f"/sagas/{order}/why")
    if as_json:
        show_json(answer)
    else:
        for line in answer["lines"]:
            out.print(line, markup=False, highlight=False)
    return None


def _watch(order: str, data: Path, url: str, as_json: bool) -> None:
    """Say so again whenever it has changed, until the order and all sagas about it have ended."""
    from orchestrator.core.state import FINISHED

    before: Any = None
    while True:
        caller = platform(data, url)  # with a fresh token: this may take days
        answer = caller.get(f"/sagas/{order}/why")
        sagas = caller.get(f"/sagas?q={order}")["sagas"]
        if (stands := [(saga["id"], saga["version"]) for saga in sagas]) != before:
            before = stands
            _tell(answer, as_json)
        if all(saga["status"] in FINISHED for saga in sagas):
            return
        time.sleep(WATCH_SECONDS)


def _tell(answer: Any, as_json: bool) -> None:
    """One state of a watched order: a line of JSON, or the screen anew."""
    if as_json:
        return typer.echo(json.dumps(answer))
    out.clear()
    for line in answer["lines"]:
        out.print(line, markup=False, highlight=False)
    return None


@app.command()
def demo(
    data: Annotated[Path, typer.Option(help="The stack's folder.")] = Path(".demo"),
    broker: Annotated[str, typer.Option(help="valkey, redis, rabbitmq or none.")] = "valkey",
    orders: Annotated[int, typer.Option(min=20, max=20000, help="How many.")] = 300,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the stack up.")] = False,
    as_json: AsJson = False,
) -> None:
    """Start a stack, submit orders that meet every path, show what came of them, and stop."""
    from deploy.demo import run
    from deploy.local.stack import NoBroker

    began = time.monotonic()
    try:
        ended = run(data, broker, orders, keep, as_json, console, out)
    except NoBroker as error:
        raise Refused(str(error), 2) from None
    console.print(f"[dim]{time.monotonic() - began:.0f} s in all[/dim]")
    raise typer.Exit(0 if ended else 1)


def _read(file: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{file} cannot be read: {error}", 2) from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                order = json.loads(line)
            except ValueError as error:
                raise Refused(f"{file}, line {number} is not JSON: {error}", 2) from None
            if not isinstance(order, dict) or "key" not in order:
                raise Refused(f"{file}, line {number}: an order is an object with a `key`", 2)
            yield order
