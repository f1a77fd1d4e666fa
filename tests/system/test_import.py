"""A file of orders imported into a whole stack, and gone on with after the import was killed.

The lines are *Online Retail*'s where they are at hand, else generated like them: the tests' names
say which.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from deploy.retail.file import Columns, RetailFile
from deploy.retail.generated import REAL, generated, write
from deploy.retail.invoices import read
from deploy.services import ROOT
from tests.system.conftest import Platforms, wait_until

pytestmark = pytest.mark.parametrize("platform", ["valkey"], indirect=True)
ORDERS = 120
SOURCE = "online_retail" if REAL.exists() else "generated"
SKIPPED = {"cancellation (C…)", "q <= 0"}


@pytest.fixture(scope="module", params=[SOURCE])
def lines(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """Lines of some 500 invoices."""
    if request.param == "generated":
        return list(generated(500))
    rows: list[dict[str, Any]] = parquet.read_table(REAL).to_pylist()
    return rows[:12_000]


def test_all_sums_are_the_files(
    whole: Platforms, lines: list[dict[str, Any]], tmp_path: Path
) -> None:
    """Orders, money, codes, points, stock, every day's sales and every subscriber are compared, and
    equal, after returns as well; nothing is breached."""
    file = REAL if SOURCE == "online_retail" else write(tmp_path / "orders.csv", lines)
    done = _import(whole, file, "--limit", str(ORDERS), "--promotions")
    told = json.loads(_ended(done))
    assert done.returncode == 0
    assert told["equal"]
    assert told["sagas"] == {"completed": ORDERS}
    assert {skipped["reason"] for skipped in told["skipped"]} > SKIPPED
    compared = {row["where"] for row in told["comparison"] if row["equal"]}
    assert compared >= {"orders", "payments' ledger", "stock", "email", "crm", "analytics"}
    assert compared >= {"promotions", "loyalty", "analytics' report"}
    assert told["with_a_code"] > ORDERS / 10
    assert told["points"] > 0
    assert {day["day"] for day in told["days"]} >= {"2010-12-01"}
    for day in told["days"]:
        said = day["file"]
        assert said["goods"] == said["money"] + said["promotions"] + said["points"]
        assert day["platform"] == {"orders": said["orders"], "money": said["money"]}
    assert whole.breaches() == []


def test_a_killed_import_goes_on(
    whole: Platforms, lines: list[dict[str, Any]], tmp_path: Path
) -> None:
    """Killed while it sets stock and again while it submits: each order once, stock set once."""
    file = write(tmp_path / "orders.csv", _last(lines, ORDERS))
    needed = read(RetailFile(file, Columns())).units_by_sku()
    before = _received(whole, needed)
    _killed_when(whole, file, lambda: _received(whole, needed) != before)
    known = _orders(whole)
    _killed_when(whole, file, lambda: _orders(whole) > known)
    told = json.loads(_ended(_import(whole, file)))
    assert told["equal"]
    assert told["known_before"]
    assert _orders(whole) - known == told["orders"]
    after = _received(whole, needed)
    assert {sku: after[sku] - before[sku] for sku in needed} == needed
    again = json.loads(_ended(_import(whole, file)))
    assert (again["equal"], again["known_before"]) == (True, again["orders"])
    assert _received(whole, needed) == after
    assert whole.breaches() == []


def test_over_http_alone_the_same_is_compared(
    whole: Platforms, lines: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an address and a token: stock and each subscriber's deliveries, one by one."""
    from deploy.local import lifecycle

    file = write(tmp_path / "orders.csv", [{**line, "inv": f"{line['inv']}h"} for line in lines])
    monkeypatch.setenv("CONCERTO_TOKEN", lifecycle.token(whole.stack, "admin", "import"))
    monkeypatch.setenv("CONCERTO_DIR", str(tmp_path))
    whole.wait_delivered()
    done = _run(file, "--url", whole.stack.url, "--limit", "20")
    told = json.loads(_ended(done))
    assert told["equal"]
    assert told["notes"] == []
    rows = {(row["where"], row["what"]): row["platform"] for row in told["comparison"]}
    assert rows["email", "orders handled"] == rows["orders", "orders confirmed"] == 20
    assert rows["stock", "units shipped"] == rows["stock", "units received"] == told["units"]


def test_an_order_that_fails_is_told_and_ends_with_1(whole: Platforms, tmp_path: Path) -> None:
    """A key that was used for another body is refused; the sums say what is missing."""
    one, other = ([_line(q)] for q in (1, 2))
    assert _import(whole, write(tmp_path / "one.csv", one)).returncode == 0
    done = _import(whole, write(tmp_path / "other.csv", other))
    told = json.loads(_ended(done, 1))
    assert list(told["refused_orders"]) == ["twin"]
    wrong = {r["what"]: r["platform"] - r["file"] for r in told["comparison"] if not r["equal"]}
    assert wrong["money"] == -300
    assert wrong["orders confirmed"] == -1


def _line(units: int) -> dict[str, Any]:
    line = {"inv": "twin", "sku": "T", "descr": "", "q": units, "ts": "", "p": 1.5, "cust": "7"}
    return {**line, "country": "EIRE"}


def _last(lines: list[dict[str, Any]], orders: int) -> list[dict[str, Any]]:
    """The lines of the last so many invoices, so that they are none of the first ones."""
    wanted = set(list(dict.fromkeys(line["inv"] for line in lines))[-orders:])
    return [line for line in lines if line["inv"] in wanted]


def _killed_when(whole: Platforms, file: Path, holds: Callable[[], bool]) -> None:
    command = [sys.executable, "-m", "deploy.cli", "import", str(file)]
    running = subprocess.Popen(
        [*command, "--data", str(whole.stack.folder)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until("the import is in the middle", holds)
    finally:
        running.kill()
        running.wait(timeout=20)
    assert running.returncode != 0


def _import(whole: Platforms, file: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    return _run(file, "--data", str(whole.stack.folder), *more)


def _run(file: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "deploy.cli", "import", str(file), "--json", *more]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )


def _ended(done: "subprocess.CompletedProcess[str]", code: int = 0) -> str:
    """What was printed by a command that ended with this code."""
    assert done.returncode == code, done.stderr[-2000:] + done.stdout[-4000:]
    return done.stdout


def _received(whole: Platforms, skus: dict[str, int]) -> dict[str, int]:
    query = "SELECT sku, received FROM stock WHERE sku = ANY(:skus)"
    found = {r.sku: r.received for r in whole.rows("inventory", query, skus=list(skus))}
    return {sku: found.get(sku, 0) for sku in skus}


def _orders(whole: Platforms) -> int:
    query = "SELECT count(*) FROM submissions WHERE caller = 'import'"
    return int(whole.rows("orchestrator", query)[0][0])
