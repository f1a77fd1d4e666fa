"""Measures whether recommendations are worth showing: `python -m …recommendation.evaluate FILE`.

FILE has lines of orders (CSV or Parquet with inv, sku, q, ts; cancellations are left out), such as
*Online Retail*. It is split by time: pairs are learned from the first 80 % of it, by the rule of
`pairs`. Then of every later order of two SKUs and more one is given, and it is a hit if another of
the order is among the first 5, or 10, recommended. The baseline is what was bought most of all.
The file is read three times instead of kept, and no more than `PAIRS_MOST` pairs are remembered.
"""

import csv
import heapq
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from side_effects.recommendation.pairs import SHOWN, pairs

COLUMNS = ("inv", "sku", "q", "ts")
TRAINED_ON = 0.8
SHOWN_FEW = 5
PAIRS_MOST = 2_000_000
ROWS_AT_ONCE = 16_384
SENTENCE = "Of an order one SKU is given: is another of it among those recommended?"


class Order(NamedTuple):
    """One order of the file: its number, its time, its SKUs."""

    number: str
    at: datetime
    skus: frozenset[str]


@dataclass
class Hits:
    """How many orders were tried, and in how many another SKU was among the first 5 and 10."""

    tried: int = 0
    few: int = 0
    all: int = 0

    def count(self, recommended: list[str], wanted: frozenset[str]) -> None:
        """Try an order."""
        self.tried += 1
        self.few += not wanted.isdisjoint(recommended[:SHOWN_FEW])
        self.all += not wanted.isdisjoint(recommended[:SHOWN])


@dataclass
class Learned:
    """Pairs and single SKUs of the orders before the cut, and how many orders those were."""

    together: Counter[tuple[str, str]] = field(default_factory=Counter)
    single: Counter[str] = field(default_factory=Counter)
    orders: int = 0

    def learn(self, order: Order) -> None:
        """Count one order."""
        self.orders += 1
        self.together.update(pairs(order.skus))
        self.single.update(order.skus)
        bound(self.together, PAIRS_MOST)

    def others(self) -> dict[str, list[str]]:
        """What is recommended with each SKU, the strongest first, as the service does."""
        best: dict[str, list[tuple[int, str]]] = {}
        for (one, two), count in self.together.items():
            for sku, other in ((one, two), (two, one)):
                best.setdefault(sku, []).append((-count, other))
                if len(best[sku]) > 4 * SHOWN:
                    best[sku] = heapq.nsmallest(SHOWN, best[sku])
        return {sku: [s for _, s in heapq.nsmallest(SHOWN, found)] for sku, found in best.items()}

    def popular(self) -> list[str]:
        """What most orders had; one more than is shown, for the given one is left out."""
        return [sku for sku, _ in self.single.most_common(SHOWN + 1)]


def main(arguments: list[str]) -> str:
    """The result as text; `SystemExit` says what is wrong with the file."""
    if len(arguments) != 1:
        raise SystemExit("usage: python -m side_effects.recommendation.evaluate FILE")
    path = Path(arguments[0])
    first, last = span(order.at for order in orders(path))
    cut = first + (last - first) * TRAINED_ON
    learned = Learned()
    for order in orders(path):
        if order.at < cut:
            learned.learn(order)
    ours, baseline = measured(learned, (order for order in orders(path) if order.at >= cut))
    if not ours.tried:
        raise SystemExit(f"{path}: no order of two SKUs after {cut:%Y-%m-%d}")
    return told(learned, cut, ours, baseline)


def measured(learned: Learned, later: Iterable[Order]) -> tuple[Hits, Hits]:
    """The hits of what is recommended, and those of the most popular SKUs."""
    others, popular = learned.others(), learned.popular()
    ours, baseline = Hits(), Hits()
    for order in later:
        if len(order.skus) > 1:
            given = min(order.skus, key=lambda sku: zlib.crc32(f"{order.number} {sku}".encode()))
            wanted = order.skus - {given}
            ours.count(others.get(given, []), wanted)
            baseline.count([sku for sku in popular if sku != given], wanted)
    return ours, baseline


def bound(counts: Counter[Any], most: int) -> None:
    """Forget the rarest until no more than `most` are left (Manku and Motwani 2002, in short)."""
    least = 1
    while len(counts) > most:
        for key in [key for key, count in counts.items() if count <= least]:
            del counts[key]
        least += 1


def span(times: Iterable[datetime]) -> tuple[datetime, datetime]:
    """The first and the last time."""
    first = last = None
    for at in times:
        first, last = min(first or at, at), max(last or at, at)
    if first is None or last is None:
        raise SystemExit("there is no order in the file")
    return first, last


def orders(path: Path) -> Iterator[Order]:
    """The orders of the file; the lines of one stand together in it."""
    bought = (row for row in _rows(path) if row[2] > 0)
    for number, lines in groupby(bought, key=itemgetter(0)):
        kept = list(lines)
        yield Order(number, kept[0][3], frozenset(sku for _, sku, _, _ in kept))


def told(learned: Learned, cut: datetime, ours: Hits, baseline: Hits) -> str:
    """The result, for people."""
    lines = [
        f"Learned from {learned.orders} orders before {cut:%Y-%m-%d},"
        f" tried on {ours.tried} orders of two SKUs and more after it.",
        SENTENCE,
        f"{'':<18}{'at 5':>8}{'at 10':>8}",
    ]
    for name, hits in (("bought together", ours), ("most popular", baseline)):
        lines.append(f"{name:<18}{hits.few / hits.tried:>8.1%}{hits.all / hits.tried:>8.1%}")
    return "\n".join(lines)


def _rows(path: Path) -> Iterator[tuple[str, str, int, datetime]]:
    try:
        yield from _parquet(path) if path.suffix.lower() in (".parquet", ".pq") else _csv(path)
    except (OSError, ValueError, KeyError) as error:
        raise SystemExit(f"{path} cannot be read as {', '.join(COLUMNS)}: {error}") from error


def _csv(path: Path) -> Iterator[tuple[str, str, int, datetime]]:
    with path.open(newline="", encoding="utf-8-sig") as stream:
        for row in csv.DictReader(stream):
            inv, sku, units, at = (row[name] for name in COLUMNS)
            yield inv, sku, int(units), datetime.fromisoformat(at)


def _parquet(path: Path) -> Iterator[tuple[str, str, int, datetime]]:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise SystemExit("Parquet takes pyarrow: pip install 'concerto-orders[files]'") from error
    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(ROWS_AT_ONCE, columns=list(COLUMNS)):
            columns = batch.to_pydict()
            yield from zip(*(columns[name] for name in COLUMNS), strict=True)


if __name__ == "__main__":
    print(main(sys.argv[1:]))
