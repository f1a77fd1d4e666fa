"""import: a shop's past orders from CSV or Parquet, and the sums of what became of them."""

import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.cli.common import FOLDER, AsJson, Data, Url, app, console, found, out, platform, table
from deploy.cli.common import show as show_json
from deploy.client import Platform, Refused
from deploy.retail.file import Columns, RetailFile

if TYPE_CHECKING:
    from deploy.retail.comparison import Compared
    from deploy.retail.importing import Outcome
    from deploy.retail.invoices import Reading, Tally

SUBJECT = "import"
Limit = Annotated[int, typer.Option(min=0, help="Import the first N orders only; 0 is all.")]


def _column(what: str) -> Any:
    return typer.Option(metavar="COLUMN", help=f"The column of {what}.")


@app.command("import")
def import_(
    file: Path,
    data: Data = FOLDER,
    url: Url = "",
    limit: Limit = 0,
    inv: Annotated[str, _column("the invoice number")] = "inv",
    sku: Annotated[str, _column("the stock-keeping unit")] = "sku",
    descr: Annotated[str, _column("the description (not used)")] = "descr",
    q: Annotated[str, _column("the quantity")] = "q",
    ts: Annotated[str, _column("the time (not used)")] = "ts",
    p: Annotated[str, _column("the unit price in GBP")] = "p",
    cust: Annotated[str, _column("the customer; none is a guest")] = "cust",
    country: Annotated[str, _column("the country's name")] = "country",
    as_json: AsJson = False,
) -> None:
    """Import past orders from CSV or Parquet: all of a good file, nothing of a broken one.

    Sets stock to what is sold, submits each invoice as an order, waits until every saga has ended
    and every subscriber has it, compares all sums with the file's own, and sends back what the
    cancellations (C…) can have come from. Ended in between, run it
    again: it goes on. Exit code 1 when a sum differs, 2 when the file is broken.
    """
    columns = Columns(inv=inv, sku=sku, descr=descr, q=q, ts=ts, p=p, cust=cust, country=country)
    try:
        outcome = _import(RetailFile(file, columns), data, url, limit)
    except KeyboardInterrupt:
        raise Refused("ended before its end; the same command goes on from here", 130) from None
    if as_json:
        show_json(_as_json(file, outcome))
    else:
        _print(file, outcome)
    raise typer.Exit(0 if outcome.equal else 1)


def _import(file: RetailFile, data: Path, url: str, limit: int) -> "Outcome":
    import stamina

    from deploy.retail import importing
    from deploy.retail.calls import Calls
    from deploy.retail.invoices import read
    from deploy.retail.memory import remembered

    stamina.instrumentation.set_on_retry_hooks([])  # stdout is for the answer
    began = time.monotonic()
    with console.status(f"reading {file.path}"):
        reading = read(file).limited(limit)
    seconds = {"reading": time.monotonic() - began}
    calls = Calls(_connecting(data, url))
    with remembered(data, file, url) as memory, _bars() as bars:
        outcome = importing.run(calls, reading, memory, _showing(bars), _stores(data, url))
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


def _bars() -> Progress:
    said = TextColumn("{task.fields[said]}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), said)
    return Progress(*columns, TimeElapsedColumn(), console=console)


def _showing(bars: Progress) -> Any:
    def show(what: str, total: int) -> Callable[[int, str], None]:
        task = bars.add_task(what, total=total, said="")
        return lambda done, said: bars.update(task, completed=done, said=said)

    return show


def _print(file: Path, outcome: "Outcome") -> None:
    for number, why in list(outcome.submitted.refused.items())[:20]:
        console.print(f"[red]refused[/red] invoice {number}: {why}", highlight=False)
    table(f"{file}", ("", ""), _facts(outcome))
    table(
        "\nLines",
        ("", "invoices", "lines", "units", "GBP before rounding"),
        _lines(outcome.reading),
    )
    table("\nReturns", ("", ""), _returns(outcome))
    for number, why in list(outcome.returns_refused.items())[:20]:
        console.print(f"[red]refused[/red] return {number}: {why}", highlight=False)
    rows = [_compared(row) for row in outcome.compared.rows]
    table("\nCompared with the file", ("where", "what", "file", "platform", ""), rows)
    for note in outcome.compared.notes:
        out.print(note, highlight=False)


def _facts(outcome: "Outcome") -> list[tuple[str, str]]:
    facts = _as_facts(outcome)
    money, sagas = facts.pop("money"), facts.pop("sagas")
    unknown = facts.pop("unknown_countries")
    seconds = ", ".join(f"{phase} {s:.1f} s" for phase, s in facts.pop("seconds").items())
    rows = [(name.replace("_", " "), f"{value}") for name, value in facts.items()]
    return [
        *rows,
        ("money before, after rounding", f"{money['before_rounding']}, {money['after_rounding']}"),
        ("sum of rounding", f"{money['rounding']} {money['currency']}"),
        ("sagas", ", ".join(f"{count} {status}" for status, count in sagas.items())),
        ("countries unknown (XX)", ", ".join(f"{n} ({c})" for n, c in unknown.items()) or "none"),
        ("time", seconds),
    ]


def _lines(reading: "Reading") -> list[tuple[Any, ...]]:
    tallies = {"imported": reading.taken(), **_skipped(reading), "in the file": reading.read}
    return [(n, len(t.invoices), t.lines, t.units, t.exact) for n, t in tallies.items()]


def _returns(outcome: "Outcome") -> list[tuple[str, str]]:
    """What the file's cancellations came to."""
    return [(name.replace("_", " "), f"{value}") for name, value in _as_returns(outcome).items()]


def _skipped(reading: "Reading") -> "dict[str, Tally]":
    return {f"skipped: {reason}": tally for reason, tally in reading.skipped.items()}


def _compared(row: "Compared") -> tuple[str, ...]:
    def said(value: int) -> str:
        return f"{Decimal(value) / 100:.2f} GBP" if row.money else str(value)

    ends = f"[red]{said(row.difference)} off[/red]" if row.difference else "[green]equal[/green]"
    return row.where, row.what, said(row.file), said(row.platform), ends


def _as_json(file: Path, outcome: "Outcome") -> dict[str, Any]:
    skipped = [
        {"reason": reason, "invoices": len(tally.invoices), "lines": tally.lines}
        | {"units": tally.units, "money": str(tally.exact)}
        for reason, tally in outcome.reading.skipped.items()
    ]
    rows = [
        {"where": r.where, "what": r.what, "file": r.file, "platform": r.platform}
        | {"money": r.money, "equal": not r.difference}
        for r in outcome.compared.rows
    ]
    return {
        "file": str(file),
        **_as_facts(outcome),
        "skipped": skipped,
        "refused_orders": outcome.submitted.refused,
        "returns": {
            **_as_returns(outcome),
            "refused": outcome.returns_refused,
            "unmatched": [
                {"invoice": line.number, "sku": line.sku, "units": line.units}
                | {"money": str(line.exact)}
                for line in outcome.returns.unmatched
            ],
        },
        "comparison": rows,
        "notes": outcome.compared.notes,
        "equal": outcome.equal,
    }


def _as_returns(outcome: "Outcome") -> dict[str, Any]:
    returns = outcome.returns
    return {
        "cancellations": len({line.number for line in outcome.reading.cancelled}),
        "lines_cancelled": len(outcome.reading.cancelled),
        "returns": len(returns.sent),
        "returns_refused": len(outcome.returns_refused),
        "lines_matched": returns.matched.lines,
        "units_matched": returns.matched.units,
        "lines_without_a_purchase": len(returns.unmatched),
        "their_sum": f"{returns.unmatched_sum} GBP",
    }


def _as_facts(outcome: "Outcome") -> dict[str, Any]:
    from deploy.retail.countries import unknown

    reading, taken = outcome.reading, outcome.reading.taken()
    after = Decimal(reading.amount) / 100
    money = {"before_rounding": str(taken.exact), "after_rounding": f"{after:.2f}"}
    return {
        "invoices_read": len(reading.read.invoices),
        "lines_read": reading.read.lines,
        "lines_skipped": sum(tally.lines for tally in reading.skipped.values()),
        "orders": len(reading.invoices),
        "lines": taken.lines,
        "units": taken.units,
        "skus": len(reading.units_by_sku()),
        "guests": sum(not invoice.customer for invoice in reading.invoices),
        "zero_payable": sum(not invoice.amount for invoice in reading.invoices),
        "refused": len(outcome.submitted.refused),
        "known_before": outcome.known_before,
        "orders_per_second": round(outcome.orders_per_second, 1),
        "money": {**money, "rounding": str(after - taken.exact), "currency": "GBP"},
        "sagas": dict(outcome.sagas),
        "unknown_countries": unknown(invoice.country for invoice in reading.invoices),
        "seconds": {phase: round(seconds, 2) for phase, seconds in outcome.seconds.items()},
    }
