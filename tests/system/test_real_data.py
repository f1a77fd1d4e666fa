"""The real file, where it stands beside this checkout, is read to the penny."""

from datetime import date
from decimal import Decimal

import pytest

from deploy.retail import countries
from deploy.retail.file import Columns, RetailFile
from deploy.retail.generated import REAL
from deploy.retail.invoices import CANCELLATION, read
from deploy.retail.order import order
from orchestrator.http.submit import KeyedOrder


@pytest.mark.skipif(not REAL.exists(), reason="the real file is not beside this checkout")
def test_online_retail_is_read_to_the_penny() -> None:
    """The figures its source gives, and every order one that the platform takes."""
    found = read(RetailFile(REAL, Columns()))
    assert (found.read.lines, len(found.read.invoices)) == (541_909, 25_900)
    assert (found.read.units, round(found.read.exact, 2)) == (5_176_450, Decimal("9747747.93"))
    assert len(found.skipped[CANCELLATION].invoices) == 3_836
    assert (len(found.invoices), found.cost.goods) == (20_726, 1_066_668_454)
    assert Decimal(found.cost.goods) / 100 - found.taken().exact == Decimal("-0.004")
    assert set(countries.unknown(invoice.country for invoice in found.invoices)) == {"Unspecified"}
    placed_on = [invoice.placed_at.date() for invoice in found.invoices if invoice.placed_at]
    assert (len(placed_on), len(set(placed_on))) == (20_726, 305)
    assert (min(placed_on), max(placed_on)) == (date(2010, 12, 1), date(2011, 12, 9))
    for invoice in found.invoices[::50]:
        KeyedOrder.model_validate(order(invoice))
