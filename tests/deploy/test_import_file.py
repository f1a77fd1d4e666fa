"""What file an import takes, and how it refuses a broken one: whole, and named by line."""

import csv
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pyarrow
import pytest
from pyarrow import parquet

from deploy.client import Refused
from deploy.retail.file import Broken, Columns, RetailFile
from deploy.retail.generated import COLUMNS, Line, generated, write
from deploy.retail.invoices import Reading, read

HEADER = ",".join(COLUMNS) + "\n"
GOOD = "1,A,x,2,,1.50,7,EIRE\n"
BROKEN = {
    "nothing": ("", "is empty"),
    "no lines": (HEADER, "a header and no lines"),
    "no columns": ("inv,sku,q\n1,A,2\n", r"no column p \(name it with --p\), cust"),
    "no such file": (None, "cannot be read: No such file"),
    "cut off": (HEADER + GOOD + "1,A,x,2\n", "line 3: 4 cells, and the header has 8"),
    "open quote": (HEADER + GOOD + '1,"A,x\n', "line 3: not CSV"),
    "words for units": (HEADER + GOOD + "1,A,x,two,,1.5,7,EIRE\n", "line 3: quantity 'two'"),
    "half a unit": (HEADER + GOOD + "1,A,x,1.5,,1.5,7,EIRE\n", "line 3: quantity '1.5'"),
    "too many units": (HEADER + "1,A,x,1000001,,1.5,7,EIRE\n", "line 2: quantity 1000001 is over"),
    "no price": (HEADER + GOOD + "1,A,x,2,,,7,EIRE\n", "line 3: price ''"),
    "no number": (HEADER + GOOD + "1,A,x,2,,NaN,7,EIRE\n", "line 3: price 'NaN'"),
    "no invoice": (HEADER + GOOD + ",A,x,2,,1.5,7,EIRE\n", "line 3: invoice number ''"),
    "no SKU": (HEADER + GOOD + "1, ,x,2,,1.5,7,EIRE\n", "line 3: SKU ''"),
    "a SKU with a slash": (HEADER + "1,A/B,x,2,,1.5,7,EIRE\n", "line 2: SKU 'A/B'"),
    "an odd customer": (HEADER + "1,A,x,2,,1.5,a b,EIRE\n", "line 2: customer 'a b'"),
    "no time": (HEADER + "1,A,x,2,12/1/2010 8:26,1.5,7,EIRE\n", "line 2: time '12/1/2010 8:26'"),
    "a time to come": (HEADER + "1,A,x,2,2999-01-01,1.5,7,EIRE\n", "line 2: time 2999-01-01"),
    "two customers": (HEADER + GOOD + "1,B,x,2,,1.5,8,EIRE\n", "line 3: .* '8' here and '7'"),
    "two countries": (HEADER + GOOD + "1,B,x,2,,1.5,7,RSA\n", "line 3: .* 'RSA' here and 'EIRE'"),
    "after a long cell": (HEADER + '1,A,"x\ny",2,,1,7,UK\n1,A,x,?,,1,7,UK\n', "line 4: quantity"),
}


@pytest.mark.parametrize("case", BROKEN, ids=list(BROKEN))
def test_a_broken_csv_is_refused_by_line(case: str, tmp_path: Path) -> None:
    """The text names the line and what is wrong; the exit code is 2."""
    content, expected = BROKEN[case]
    file = tmp_path / "orders.csv"
    if content is not None:
        file.write_text(content)
    with pytest.raises(Broken, match=expected) as refused:
        _read(file)
    assert refused.value.code == 2


def test_what_is_not_utf_8_is_named_by_line(tmp_path: Path) -> None:
    """A pound sign in Latin-1 far down in the file."""
    file = tmp_path / "orders.csv"
    rows = [f"{number},A,x,2,,1.50,7,EIRE\n".encode() for number in range(3000)]
    rows[2500] = "1,A,£,2,,1.50,7,EIRE\n".encode("latin-1")
    file.write_bytes(HEADER.encode() + b"".join(rows))
    with pytest.raises(Broken, match="line 2502: not UTF-8"):
        _read(file)


def test_csv_and_parquet_of_the_same_lines_are_the_same_orders(tmp_path: Path) -> None:
    """Text and numbers, empty and null, with and without a byte order mark."""
    lines = list(generated(200))
    plain = _read(write(tmp_path / "orders.csv", lines))
    marked = tmp_path / "marked.csv"
    marked.write_bytes(b"\xef\xbb\xbf" + (tmp_path / "orders.csv").read_bytes())
    assert plain.invoices
    assert plain == _read(marked) == _read(_parquet(tmp_path / "orders.parquet", lines))


def test_columns_are_named_by_flags(tmp_path: Path) -> None:
    """The names of the spreadsheet that the data came from."""
    names = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
    file = tmp_path / "orders.csv"
    file.write_text(f"{names}\n{GOOD}")
    columns = Columns(
        inv="InvoiceNo",
        sku="StockCode",
        q="Quantity",
        p="UnitPrice",
        cust="CustomerID",
        country="Country",
    )
    (invoice,) = read(RetailFile(file, columns)).invoices
    assert (invoice.number, invoice.customer, invoice.goods) == ("1", "7", 300)
    with pytest.raises(Broken, match=r"no column When \(--ts\)"):
        read(RetailFile(file, Columns(**{**vars(columns), "ts": "When"})))


def test_a_damaged_parquet_is_refused(tmp_path: Path) -> None:
    """Cut off, emptied, or something else under its name."""
    whole = _parquet(tmp_path / "orders.parquet", generated(100)).read_bytes()
    for content in (whole[: len(whole) // 2], whole[:-1], b"", b"nonsense, or CSV\n"):
        file = tmp_path / "damaged.parquet"
        file.write_bytes(content)
        with pytest.raises(Broken, match="not Parquet, or damaged") as refused:
            _read(file)
        assert refused.value.code == 2


def test_a_bad_row_of_a_parquet_is_named(tmp_path: Path) -> None:
    """Rows are counted from one; a file without a suffix is known by its first bytes."""
    lines = list(generated(100))
    lines[41]["sku"] = "A/B"
    with pytest.raises(Broken, match="row 42: SKU 'A/B'"):
        _read(_parquet(tmp_path / "orders", lines))
    file = tmp_path / "narrow.parquet"
    parquet.write_table(pyarrow.table({"inv": ["1"], "sku": ["A"]}), file)
    with pytest.raises(Broken, match="no column q"):
        _read(file)


def test_without_pyarrow_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only Parquet needs it."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    file = tmp_path / "orders.parquet"
    file.write_bytes(b"PAR1")
    with pytest.raises(Refused, match=r"concerto-orders\[files\]") as refused:
        _read(file)
    assert refused.value.code == 2
    assert _read(write(tmp_path / "orders.csv", generated(5))).read.lines


@pytest.fixture
def listening() -> Iterator[tuple[str, list[str]]]:
    """The address of a server, and the calls it got."""
    calls: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            calls.append(self.path)
            self.send_error(500)

        do_PUT = do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", calls
    server.shutdown()
    server.server_close()


def test_of_a_broken_file_nothing_is_sent(
    tmp_path: Path, listening: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last line is wrong: no call was made, and nothing is remembered."""
    from deploy.cli.imports import import_

    url, calls = listening
    monkeypatch.setenv("CONCERTO_TOKEN", "any")
    file = write(tmp_path / "orders.csv", generated(300))
    with file.open("a") as stream:
        csv.writer(stream).writerow(["1", "A", "x", "many", "t", "1.5", "7", "EIRE"])
    folder = tmp_path / "stack"
    with pytest.raises(Broken, match="'many'"):
        import_(file, data=folder, url=url)
    assert calls == []
    assert not folder.exists()
    with pytest.raises(Refused):
        import_(write(file, generated(3)), data=folder, url=url)
    assert calls


def _read(file: Path) -> Reading:
    return read(RetailFile(file, Columns()))


def _parquet(file: Path, lines: Iterator[Line] | list[Line]) -> Path:
    rows = [{**line, "cust": int(line["cust"]) if line["cust"] else None} for line in lines]
    parquet.write_table(pyarrow.Table.from_pylist(rows), file)
    return file


def test_a_time_is_taken_as_it_is_written_and_left_out_when_it_is_not_wanted(
    tmp_path: Path,
) -> None:
    """UTC unless it says otherwise; a file without times, and one whose times are not wanted."""
    times = ("2010-12-01 08:26:00", "2010-12-01T08:26+01:00", "NA")
    rows = [f"{n},A,x,2,{at},1.5,7,EIRE\n" for n, at in enumerate(times)]
    file = tmp_path / "orders.csv"
    file.write_text(HEADER + "".join(rows))
    placed = [invoice.placed_at for invoice in _read(file).invoices]
    assert [at and at.isoformat() for at in placed] == [
        "2010-12-01T08:26:00+00:00",
        "2010-12-01T08:26:00+01:00",
        None,
    ]
    unwanted = read(RetailFile(file, Columns(ts=""))).invoices
    file.write_text(file.read_text().replace(",ts,", ",when,"))
    for invoices in (unwanted, _read(file).invoices):
        assert [invoice.placed_at for invoice in invoices] == [None] * 3
