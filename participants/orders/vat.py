"""Value-added tax by country and day: the standard rate that prices contain.

The table `vat.csv` says from which day on a rate holds (European Commission, "VAT rates applied in
the Member States"; HM Revenue & Customs, "VAT rates"). Who is not listed pays none here: an export
bears the tax of where it goes.
"""

import csv
from bisect import bisect_right
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("vat.csv")


def rate_of(country: str, on: date) -> int:
    """The standard rate in that country (ISO 3166) on that day, in basis points."""
    steps = _rates().get(country, ())
    at = bisect_right(steps, on, key=lambda step: step[0])
    return steps[at - 1][1] if at else 0


@cache
def _rates() -> dict[str, tuple[tuple[date, int], ...]]:
    found: dict[str, list[tuple[date, int]]] = {}
    with TABLE.open(newline="") as file:
        for row in csv.DictReader(file):
            since, rate = date.fromisoformat(row["from"]), int(Decimal(row["percent"]) * 100)
            found.setdefault(row["country"], []).append((since, rate))
    return {country: tuple(sorted(steps)) for country, steps in found.items()}
