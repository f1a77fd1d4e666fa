"""Reads a retail file, CSV or Parquet, as rows of the columns that an order is made of."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from deploy.client import Refused

PARQUET = (".parquet", ".pq")
MAGIC = b"PAR1"
ROWS_AT_ONCE = 16_384
OPTIONAL = ("descr", "ts")
Row = tuple[int, tuple[Any, ...]]  # where it stands, counted from 1, and its cells


class Broken(Refused):
    """The file is refused as a whole: where it is wrong, and what is wrong there."""

    def __init__(self, file: Path, what: str, where: str = "") -> None:
        super().__init__(f"{file}{', ' if where else ''}{where}: {what}", 2)


@dataclass(frozen=True)
class Columns:
    """What the columns are called in the file; *Online Retail*'s names unless told."""

    inv: str = "inv"
    sku: str = "sku"
    q: str = "q"
    p: str = "p"
    cust: str = "cust"
    country: str = "country"
    descr: str = "descr"
    ts: str = "ts"

    def used(self) -> tuple[str, ...]:
        """Those an order is made of, in the order of the cells; the time last, if there is one."""
        return self.inv, self.sku, self.q, self.p, self.cust, self.country, self.ts

    def missing(self, there: list[str]) -> list[str]:
        """Those that are not there; descr and ts are asked for only if they were named."""
        named = {n: c for n, c in asdict(self).items() if n not in OPTIONAL or c not in (n, "")}
        return [_said(name, column) for name, column in named.items() if column not in there]


@dataclass(frozen=True)
class RetailFile:
    """A file of lines; `place` is what it counts in: CSV has lines, Parquet has rows."""

    path: Path
    columns: Columns

    @property
    def place(self) -> str:
        """What a place in the file is called."""
        return "row" if self._parquet() else "line"

    def rows(self) -> Iterator[Row]:
        """Every row; `Broken` where the file cannot be read."""
        try:
            yield from (
                _parquet(self.path, self.columns)
                if self._parquet()
                else _csv(self.path, self.columns)
            )
        except OSError as error:
            raise Broken(self.path, f"it cannot be read: {error.strerror or error}") from None

    def _parquet(self) -> bool:
        if self.path.suffix.lower() in PARQUET:
            return True
        try:
            with self.path.open("rb") as stream:
                return stream.read(len(MAGIC)) == MAGIC
        except OSError:
            return False


def _csv(path: Path, columns: Columns) -> Iterator[Row]:
    with path.open("rb") as stream:
        reader = csv.reader(_text(path, stream), strict=True)
        try:
            header = next(reader, None)
            places = _places(path, columns, header)
            for cells in reader:
                if len(cells) != len(header or ()):
                    what = f"{len(cells)} cells, and the header has {len(header or ())}"
                    raise Broken(path, what, f"line {reader.line_num}")
                yield reader.line_num, tuple(None if p is None else cells[p] for p in places)
        except csv.Error as error:
            raise Broken(path, f"not CSV: {error}", f"line {reader.line_num}") from None


def _text(path: Path, stream: IO[bytes]) -> Iterator[str]:
    """The lines as text; decoded one by one, so that the bad one can be named."""
    for number, line in enumerate(stream, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            what = f"not UTF-8 (byte {error.object[error.start]:#04x})"
            raise Broken(path, what, f"line {number}") from None


def _places(path: Path, columns: Columns, header: list[str] | None) -> list[int | None]:
    there = [name.strip() for name in header or ()]
    _complete(path, columns, there)
    return [there.index(column) if column in there else None for column in columns.used()]


def _complete(path: Path, columns: Columns, there: list[str]) -> None:
    if not there:
        raise Broken(path, "the file is empty")
    if missing := columns.missing(there):
        raise Broken(path, f"there is no column {', '.join(missing)}; it has {', '.join(there)}")


def _said(name: str, column: str) -> str:
    return f"{column} (name it with --{name})" if name == column else f"{column} (--{name})"


def _parquet(path: Path, columns: Columns) -> Iterator[Row]:
    arrow, parquet = _pyarrow()
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            there = file.schema_arrow.names
            _complete(path, columns, there)
            used = [column for column in columns.used() if column in there]
            for batch in file.iter_batches(ROWS_AT_ONCE, columns=used):
                by_name: Mapping[str, list[Any]] = batch.to_pydict()
                nothing = [None] * batch.num_rows
                cells = (by_name.get(column, nothing) for column in columns.used())
                for row in zip(*cells, strict=True):
                    number += 1
                    yield number, row
    except arrow.ArrowException as error:
        where = f"after row {number}" if number else ""
        raise Broken(path, f"not Parquet, or damaged: {error}", where) from None


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        said = (
            "Parquet is read by pyarrow: pip install 'concerto-orders[files]' (CSV needs nothing)"
        )
        raise Refused(said, 2) from None
    return pyarrow, parquet
