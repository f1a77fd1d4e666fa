"""Lines like *Online Retail*'s where the real ones are not at hand: seeded, matched to its figures.

Of its invoices 15 % are cancellations, 5 % corrections without a customer; of its orders 10.6 % are
guests', 3.7 % cost nothing, 13.5 % name a SKU twice; the median order has 15 lines and 303 GBP.
"""

import csv
import math
import random
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from deploy.services import ROOT

REAL = ROOT.parent / "shared" / "data" / "online_retail.parquet"  # where it is present
SEED = 1
COLUMNS = ("inv", "sku", "descr", "q", "ts", "p", "cust", "country")
SKUS, CUSTOMERS, FIRST = 3941, 4372, 536365
OPENED, EVERY = datetime(2010, 12, 1, 8, 26), timedelta(minutes=20)
QUANTITIES = (1, 1, 2, 3, 4, 6, 6, 8, 10, 12, 12, 24, 48)
Line = dict[str, Any]


def generated(invoices: int, seed: int = SEED) -> Iterator[Line]:
    """The lines of so many invoices, the same for the same seed."""
    chance = random.Random(seed)
    for number in range(FIRST, FIRST + invoices):
        kind = chance.random()
        if kind < 0.15:
            yield _line(chance, f"C{number}", _customer(chance), q=-chance.choice(QUANTITIES))
        elif kind < 0.20:
            yield _line(chance, str(number), "", q=-chance.choice(QUANTITIES), p=0.0)
        else:
            placed_at = OPENED + (number - FIRST) * EVERY
            for line in _order(chance, str(number)):
                yield {**line, "ts": f"{placed_at:%Y-%m-%d %H:%M:%S}"}


def _order(chance: random.Random, number: str) -> Iterator[Line]:
    guest, free = chance.random() < 0.106, chance.random() < 0.037
    customer = "" if guest else _customer(chance)
    more: dict[str, Any] = {"p": 0.0} if free else {}
    country = chance.choices(("United Kingdom", "EIRE", "Unspecified"), (91, 8, 1))[0]
    lines = [
        _line(chance, number, customer, country=country, **more)
        for _ in range(max(1, min(200, round(chance.lognormvariate(math.log(15), 0.9)))))
    ]
    if chance.random() < 0.135:
        lines.append(lines[0])
    yield from lines


def _line(chance: random.Random, number: str, customer: str, **more: Any) -> Line:
    return {
        "inv": number,
        "sku": f"{20000 + int(SKUS * chance.random() ** 3)}",
        "descr": 'LANTERN, "WHITE"\n',
        "q": chance.choice(QUANTITIES),
        "ts": "",
        "p": round(chance.lognormvariate(math.log(2.1), 0.8), 2),
        "cust": customer,
        "country": "United Kingdom",
        **more,
    }


def _customer(chance: random.Random) -> str:
    return str(12346 + int(CUSTOMERS * chance.random()))


def write(file: Path, lines: Iterable[Line]) -> Path:
    """Write lines as CSV."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(lines)
    return file
