"""What an import tells at its end: facts, returns, and every sum beside the file's own."""

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.cli.common import console, out, table

if TYPE_CHECKING:
    from deploy.retail.comparison import Compared
    from deploy.retail.days import Day
    from deploy.retail.importing import Outcome
    from deploy.retail.invoices import Reading, Tally

SHOWN = 20


def tell(file: Path, outcome: "Outcome") -> None:
    """Print all of it as tables."""
    for number, why in list(outcome.submitted.refused.items())[:SHOWN]:
        console.print(f"[red]refused[/red] invoice {number}: {why}", highlight=False)
    table(f"{file}", ("", ""), _facts(outcome))
    table(
        "\nLines",
        ("", "invoices", "lines", "units", "GBP before rounding"),
        _lines(outcome.reading),
    )
    table("\nReturns", ("", ""), _returns(outcome))
    _unmatched(outcome)
    for number, why in list(outcome.returns_refused.items())[:SHOWN]:
        console.print(f"[red]refused[/red] return {number}: {why}", highlight=False)
    rows = [_compared(row) for row in outcome.compared.rows]
    table("\nCompared with the file", ("where", "what", "file", "platform", ""), rows)
    _days(outcome)
    for note in outcome.compared.notes:
        out.print(note, highlight=False)


def _unmatched(outcome: "Outcome") -> None:
    """The lines that match no purchase, the largest first."""
    lines = sorted(outcome.returns.unmatched, key=lambda line: -line.exact)
    rows = [(x.number, x.customer or "nobody", x.sku, x.units, x.exact) for x in lines[:SHOWN]]
    if rows:
        more = f"; the {SHOWN} largest, --json lists all" * (len(lines) > SHOWN)
        title = f"\nCancelled without a purchase: {len(lines)} lines{more}"
        table(title, ("invoice", "customer", "SKU", "units", "GBP"), rows)


def _days(outcome: "Outcome") -> None:
    """How many days were compared; each that differs."""
    days = outcome.compared.days
    wrong = [day for day in days if day.differs]
    if days:
        title = f"\nDays of sales: {len(days)} from {days[0].day} to {days[-1].day}"
        out.print(f"{title}, {len(wrong)} differ", highlight=False)
    rows = [(day.day, day.orders, _pounds(day.cost.paid), *_sold(day)) for day in wrong]
    if rows:
        columns = ("day", "orders in the file", "GBP", "orders in analytics", "GBP")
        table("", columns, rows[:SHOWN])


def _sold(day: "Day") -> tuple[int, str]:
    orders, amount = day.platform
    return orders, _pounds(amount)


def _pounds(pennies: int) -> str:
    return f"{Decimal(pennies) / 100:.2f}"


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
        return f"{_pounds(value)} GBP" if row.money else str(value)

    ends = f"[red]{said(row.difference)} off[/red]" if row.difference else "[green]equal[/green]"
    return row.where, row.what, said(row.file), said(row.platform), ends


def as_json(file: Path, outcome: "Outcome") -> dict[str, Any]:
    """All of it in JSON types, the days and every line without a purchase as well."""
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
                {"invoice": line.number, "customer": line.customer, "sku": line.sku}
                | {"units": line.units, "money": str(line.exact)}
                for line in outcome.returns.unmatched
            ],
        },
        "comparison": rows,
        "days": [_day(day) for day in outcome.compared.days],
        "notes": outcome.compared.notes,
        "equal": outcome.equal,
    }


def _day(day: "Day") -> dict[str, Any]:
    """One day; goods = money + promotions + points, in pennies."""
    cost, (orders, amount) = day.cost, day.platform
    parts = {"goods": cost.goods, "promotions": cost.discount, "points": cost.points}
    here = {"orders": day.orders, **parts, "money": cost.paid}
    return {"day": day.day, "file": here, "platform": {"orders": orders, "money": amount}}


def _as_returns(outcome: "Outcome") -> dict[str, Any]:
    returns = outcome.returns
    return {
        "cancellations": len({line.number for line in outcome.reading.cancelled}),
        "lines_cancelled": len(outcome.reading.cancelled),
        "returns": len(returns.sent),
        "returns_refused": len(outcome.returns_refused),
        "lines_matched": returns.matched.lines,
        "units_matched": returns.matched.units,
        "their_money_in_the_file": f"{returns.matched.exact:.2f} GBP",
        "money_paid_back": f"{_pounds(sum(back.pennies for back in returns.sent))} GBP",
        "points_given_back": sum(back.points for back in returns.sent),
        "lines_without_a_purchase": len(returns.unmatched),
        "their_sum": f"{returns.unmatched_sum:.2f} GBP",
        "returns_per_second": round(outcome.returns_per_second, 1),
    }


def _as_facts(outcome: "Outcome") -> dict[str, Any]:
    from deploy.retail.countries import unknown

    reading, taken = outcome.reading, outcome.reading.taken()
    cost = reading.cost
    after = Decimal(cost.goods) / 100
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
        "zero_payable": sum(not invoice.cost.paid for invoice in reading.invoices),
        "with_a_code": sum(bool(invoice.code) for invoice in reading.invoices),
        "with_points": sum(invoice.cost.points > 0 for invoice in reading.invoices),
        "promotions": f"{_pounds(cost.discount)} GBP",
        "points": cost.points,
        "to_be_paid": f"{_pounds(cost.paid)} GBP",
        "refused": len(outcome.submitted.refused),
        "known_before": outcome.known_before,
        "orders_per_second": round(outcome.orders_per_second, 1),
        "money": {**money, "rounding": str(after - taken.exact), "currency": "GBP"},
        "sagas": dict(outcome.sagas),
        "unknown_countries": unknown(invoice.country for invoice in reading.invoices),
        "seconds": {phase: round(seconds, 2) for phase, seconds in outcome.seconds.items()},
    }
