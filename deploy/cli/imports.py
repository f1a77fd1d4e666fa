"""import: a shop's past orders from CSV or Parquet, and the sums of what became of them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.cli.common import FOLDER, AsJson, Data, Url, app, console, found, platform
from deploy.cli.common import show as show_json
from deploy.client import Platform, Refused
from deploy.retail.file import Columns, RetailFile

if TYPE_CHECKING:
    from deploy.retail.calls import Show
    from deploy.retail.importing import Outcome

SUBJECT = "import"
SAY_EVERY_SECONDS = 10.0
Limit = Annotated[int, typer.Option(min=0, help="Import the first N orders only; 0 is all.")]
Promotions = Annotated[
    bool, typer.Option("--promotions", help="Let some orders carry codes and offer points.")
]
Seed = Annotated[int, typer.Option(min=0, help="Which orders do, with --promotions.")]


def _column(what: str) -> Any:
    return typer.Option(metavar="COLUMN", help=f"The column of {what}.")


@app.command("import")
def import_(
    file: Path,
    data: Data = FOLDER,
    url: Url = "",
    limit: Limit = 0,
    promotions: Promotions = False,
    seed: Seed = 1,
    inv: Annotated[str, _column("the invoice number")] = "inv",
    sku: Annotated[str, _column("the stock-keeping unit")] = "sku",
    descr: Annotated[str, _column("the description (not used)")] = "descr",
    q: Annotated[str, _column("the quantity")] = "q",
    ts: Annotated[str, _column("the time; '' for none")] = "ts",
    p: Annotated[str, _column("the unit price in GBP")] = "p",
    cust: Annotated[str, _column("the customer; none is a guest")] = "cust",
    country: Annotated[str, _column("the country's name")] = "country",
    as_json: AsJson = False,
) -> None:
    """Import past orders from CSV or Parquet: all of a good file, nothing of a broken one.

    Sets stock to what is sold, submits each invoice as an order placed when the file says, waits
    until every saga has ended and every subscriber has it, compares all sums with the file's own,
    by day too, and sends back what the cancellations (C…) can have come from. Ended in between, run
    it again: it goes on. Exit code 1 when a sum differs, 2 when the file is broken.
    """
    columns = Columns(inv=inv, sku=sku, descr=descr, q=q, ts=ts, p=p, cust=cust, country=country)
    try:
        wanted = seed if promotions else None
        outcome = _import(RetailFile(file, columns), data, url, limit, wanted)
    except KeyboardInterrupt:
        raise Refused("ended before its end; the same command goes on from here", 130) from None
    from deploy.cli import imported

    if as_json:
        show_json(imported.as_json(file, outcome))
    else:
        imported.tell(file, outcome)
    raise typer.Exit(0 if outcome.equal else 1)


def _import(file: RetailFile, data: Path, url: str, limit: int, seed: int | None) -> "Outcome":
    import stamina

    from deploy.retail import importing
    from deploy.retail.calls import Calls
    from deploy.retail.invoices import read
    from deploy.retail.memory import remembered
    from deploy.retail.promotions import promoted

    stamina.instrumentation.set_on_retry_hooks([])  # stdout is for the answer
    began = time.monotonic()
    with console.status(f"reading {file.path}"):
        reading = read(file).limited(limit)
        reading = reading if seed is None else promoted(reading, seed)
    seconds = {"reading": time.monotonic() - began}
    calls = Calls(_connecting(data, url))
    with remembered(data, file, url) as memory, _progress() as show:
        memory.keep_to(seed)
        outcome = importing.run(calls, reading, memory, show, _stores(data, url))
    return replace(outcome, seconds={**seconds, **outcome.seconds})


def _connecting(data: Path, url: str) -> Callable[[], Platform]:
    """A platform that is there, and after that with a fresh token at each call."""
    platform(data, url, "admin", SUBJECT).get("/sagas?limit=1")
    return lambda: platform(data, url, "admin", SUBJECT)


def _stores(data: Path, url: str) -> Any:
    """The stores of a stack that is ours; none where there is only an address."""
    if url:
        return None
    import os

    from deploy.local import lifecycle

    stack = found(data)
    os.environ.update(stack.everything())
    return lifecycle.config(stack)


@contextmanager
def _progress() -> "Iterator[Show]":
    """Bars where there is a terminal; else a line now and then, for whoever reads a log."""
    if not console.is_terminal:
        yield _in_lines
        return
    said = TextColumn("{task.fields[said]}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), said)
    with Progress(*columns, TimeElapsedColumn(), console=console) as bars:
        yield _in_bars(bars)


def _in_bars(bars: Progress) -> "Show":
    def show(what: str, total: int) -> Callable[[int, str], None]:
        task = bars.add_task(what, total=total, said="")
        return lambda done, said: bars.update(task, completed=done, said=said)

    return show


def _in_lines(what: str, total: int) -> Callable[[int, str], None]:
    began, next_at, last = time.monotonic(), 0.0, -1

    def advance(done: int, said: str) -> None:
        nonlocal next_at, last
        now = time.monotonic()
        if now >= next_at or (done >= total and done != last):
            next_at, last = now + SAY_EVERY_SECONDS, done
            console.print(f"{what} {done}/{total} {said} {now - began:.0f} s", highlight=False)

    return advance
