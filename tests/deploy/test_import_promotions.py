"""A rule says which orders carry codes and points; what they then cost is computed apart."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.messages.values import Line, Money, Sku, stamped
from deploy.client import Refused
from deploy.retail.costs import CODES, Cost, fits
from deploy.retail.days import Day, days, less
from deploy.retail.file import Columns, RetailFile
from deploy.retail.generated import generated, write
from deploy.retail.invoices import Bought, Cancelled, Invoice, Reading, read
from deploy.retail.memory import Memory
from deploy.retail.order import order
from deploy.retail.promotions import promoted
from deploy.retail.returning import matched
from orchestrator.http.submit import KeyedOrder
from participants.orders.payable import fixed, part_of
from participants.promotions.codes import discount_of
from participants.promotions.tables import Promotion

NOON = datetime(2010, 12, 1, 12, tzinfo=UTC)
NOTHING = Decimal(0)


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    """Some three hundred orders."""
    return read(RetailFile(write(tmp_path / "o.csv", generated(400)), Columns()))


def test_the_rule_says_the_same_of_an_invoice_whatever_else_is_imported(reading: Reading) -> None:
    """So an import goes on with the orders it began with; another seed makes others."""
    whole = promoted(reading, 1).invoices
    assert promoted(reading.limited(100), 1).invoices == whole[:100]
    assert promoted(reading, 2).invoices != whole


def test_some_orders_carry_a_code_that_fits_and_offer_points_that_a_guest_has_not(
    reading: Reading,
) -> None:
    """About as many as the rule says; every one is a valid order that costs less or as much."""
    invoices = promoted(reading, 1).invoices
    coded = [invoice for invoice in invoices if invoice.code]
    offering = [invoice for invoice in invoices if invoice.points]
    assert 0.2 < len(coded) / len(invoices) < 0.4
    assert 0.1 < len(offering) / len(invoices) < 0.3
    assert {invoice.code for invoice in coded} == set(CODES)
    assert all(fits(invoice.code, invoice.goods) for invoice in coded)
    assert all(invoice.customer for invoice in offering)
    for invoice in invoices:
        body = KeyedOrder.model_validate(order(invoice))
        assert (body.promotion_code or "", body.redeem_points) == (invoice.code, invoice.points)
        assert body.placed_at == invoice.placed_at
        assert 0 <= invoice.cost.paid <= invoice.goods


def _line(amount: int) -> Line:
    return Line(sku=Sku("A"), quantity=1, unit_price=Money(amount=amount, currency="GBP"))


@given(
    code=st.sampled_from(["", *CODES]),
    points=st.integers(0, 10_000),
    prices=st.lists(st.integers(0, 100_000), min_size=1, max_size=4),
    left=st.integers(0, 4),
)
def test_what_is_computed_apart_is_what_the_platform_charges_and_gives_back(
    code: str, points: int, prices: list[int], left: int
) -> None:
    """Two computations that share no code: of the whole order, and of what is left of it."""
    lines = [_line(price) for price in prices]
    promotion = Promotion(**{"share": None, "amount": None, **CODES[code]}) if code else None
    discount = discount_of(promotion, sum(prices)) if promotion else 0
    fixed_then = {"discount": discount, "points": points, "shipping": 0}
    charged = fixed(lines, "GBP", country="GB", on=NOON.date(), **fixed_then)
    apart = Cost.of(sum(prices), code, points)
    for theirs, ours in (
        (charged, apart),
        (part_of(charged, lines[:left]), apart.part(sum(prices[:left]))),
    ):
        assert (theirs.discount, theirs.points) == (ours.discount, ours.points)
        assert theirs.total.amount == ours.paid


def test_all_that_comes_back_gives_back_what_was_paid_in_money_and_points() -> None:
    """In three parts, of which none divides evenly."""
    bought = [Bought("A", 3, 333), Bought("B", 1, 100)]
    invoice = Invoice("1", "ann", "GB", bought, code="IMPORT-THIRD", points=200)
    cost = invoice.cost
    assert (cost.discount, cost.points, cost.paid) == (366, 200, 533)
    back = [Cancelled(f"C{n}", "ann", "A", 1, NOTHING, 1) for n in range(3)]
    back.append(Cancelled("C3", "ann", "B", 1, NOTHING, 1))
    sent = matched(Reading([invoice], back)).sent
    assert len(sent) == 4
    assert sum(each.pennies for each in sent) == cost.paid
    assert sum(each.points for each in sent) == cost.points
    assert sent[-1].points > 0


def test_a_day_that_differs_is_told() -> None:
    """By the day the file says, else by that of the submit; a foreign day differs too."""
    old, new = Invoice("1", "ann", "GB", placed_at=NOON), Invoice("2", "ann", "GB")
    for invoice in (old, new):
        invoice.lines.append(Bought("A", 1, 150))
    ours = {stamped(datetime(2026, 3, 1, tzinfo=UTC), str(n)): i for n, i in enumerate((old, new))}
    now = {
        "2010-12-01": (3, 1150),
        "2026-03-01": (1, 149),
        "2026-03-02": (1, 1),
        "2026-03-03": (2, 2),
    }
    before = {"2010-12-01": (2, 1000), "2026-03-03": (2, 2)}
    cost = Cost(150)
    found = days([old, new], ours, less(now, before))
    assert found == [
        Day("2010-12-01", 1, cost, (1, 150)),
        Day("2026-03-01", 1, cost, (1, 149)),
        Day("2026-03-02", 0, Cost(), (1, 1)),
    ]
    assert [day.differs for day in found] == [False, True, True]


def test_an_import_goes_on_with_the_seed_it_began_with(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "m.json")
    memory.keep_to(3)
    memory.is_new = False
    memory.keep_to(3)
    for other in (None, 4):
        with pytest.raises(Refused, match="with --seed 3"):
            memory.keep_to(other)
    plain = replace(memory, seed=None)
    with pytest.raises(Refused, match="without --promotions"):
        plain.keep_to(3)
