"""What an import makes of the lines: every one is counted once, and money is exact."""

from decimal import Decimal
from pathlib import Path

import pytest

from deploy.client import Refused
from deploy.retail import countries
from deploy.retail.file import Columns, RetailFile
from deploy.retail.generated import generated, write
from deploy.retail.invoices import BEYOND, CANCELLATION, NEGATIVE, NO_QUANTITY, Reading, read
from deploy.retail.memory import Memory, remembered
from deploy.retail.order import order
from orchestrator.http.submit import KeyedOrder


def reading(tmp_path: Path, *lines: str) -> Reading:
    """What is read from these lines of inv, sku, q, p, cust, country."""
    file = tmp_path / "orders.csv"
    file.write_text("inv,sku,q,p,cust,country\n" + "\n".join(lines) + "\n")
    return read(RetailFile(file, Columns()))


def test_every_line_is_counted_once(tmp_path: Path) -> None:
    """Imported and skipped lines, units and money add up to the file's, with a limit as well."""
    whole = read(RetailFile(write(tmp_path / "o.csv", generated(400)), Columns()))
    for part in (whole, whole.limited(50)):
        tallies = [part.taken(), *part.skipped.values()]
        assert sum(tally.lines for tally in tallies) == whole.read.lines
        assert sum(tally.units for tally in tallies) == whole.read.units
        assert sum(tally.exact for tally in tallies) == whole.read.exact
    assert set(whole.skipped) == {CANCELLATION, NO_QUANTITY}
    assert len(whole.limited(50).invoices) == 50
    assert BEYOND in whole.limited(50).skipped


def test_what_is_no_order_is_skipped_with_its_reason(tmp_path: Path) -> None:
    """Cancellations, corrections and bad debt; the rest of their invoice stays."""
    found = reading(
        tmp_path,
        "C1,A,-2,1.5,7,EIRE",
        "2,A,0,1.5,7,EIRE",
        "2,B,1,0.5,7,EIRE",
        "A3,B,1,-11062.06,,United Kingdom",
    )
    assert {reason: tally.lines for reason, tally in found.skipped.items()} == {
        CANCELLATION: 1,
        NO_QUANTITY: 1,
        NEGATIVE: 1,
    }
    assert found.skipped[NEGATIVE].exact == Decimal("-11062.06")
    assert [(invoice.number, invoice.goods) for invoice in found.invoices] == [("2", 50)]


def test_prices_are_rounded_half_up_to_the_penny(tmp_path: Path) -> None:
    """The sum of rounding is what the order's sum gained or lost."""
    found = reading(tmp_path, "1,A,100,0.005,7,EIRE", "1,B,10,0.001,7,EIRE", "1,C,3,2.55,7,EIRE")
    assert [line.pennies for line in found.invoices[0].lines] == [1, 0, 255]
    assert found.cost.goods == 865
    assert Decimal(found.cost.goods) / 100 - found.taken().exact == Decimal("0.49")


def test_guests_free_orders_and_repeated_skus_are_orders(tmp_path: Path) -> None:
    """Each is taken as it is; stock is needed for all of it."""
    found = reading(
        tmp_path, "1,A,2,0,,EIRE", "1,A,3,0,,EIRE", "2,A,1,1,NA,EIRE", "3,a,1,1,17850.0,X"
    )
    assert [invoice.customer_id for invoice in found.invoices] == ["guest-1", "guest-2", "17850"]
    assert found.invoices[0].goods == 0
    assert found.units_by_sku() == {"A": 6, "a": 1}


def test_a_second_reading_gives_the_same_keys_and_bodies(tmp_path: Path) -> None:
    """So that the platform answers a re-run with the orders of the first; each is a valid order."""
    file = RetailFile(write(tmp_path / "o.csv", generated(200)), Columns())
    first, second = ([order(i) for i in read(file).invoices] for _ in range(2))
    assert first == second
    assert len({KeyedOrder.model_validate(body).key for body in first}) == len(first)


def test_countries_become_codes() -> None:
    """The shop's own names, codes as they are, and XX with a count for what is neither."""
    assert [countries.code(name) for name in ("EIRE", "RSA", "DE")] == ["IE", "ZA", "DE"]
    assert countries.unknown(["EIRE", "Unspecified", "", "Unspecified"]) == {
        "Unspecified": 2,
        "none": 1,
    }


def test_an_import_is_remembered_by_file_and_columns(tmp_path: Path) -> None:
    """The same file goes on where it was; another begins anew; fewer orders are refused."""
    file = RetailFile(write(tmp_path / "o.csv", generated(20)), Columns())
    with remembered(tmp_path, file, "") as memory:
        memory.grow(10)
        memory.stock["A"] = (5, 2)
        memory.sales, memory.is_new = {"2010-12-01": (1, 100)}, False
        memory.save()
        with pytest.raises(Refused, match="another import runs"), remembered(tmp_path, file, ""):
            pass
    with remembered(tmp_path, file, "") as again:
        assert (again.invoices, again.stock, again.is_new) == (10, {"A": (5, 2)}, False)
        with pytest.raises(Refused, match="--limit 10 or more"):
            again.grow(9)
    with remembered(tmp_path, file, "http://elsewhere") as other:
        assert other == Memory(other.path)
        assert other.is_new
