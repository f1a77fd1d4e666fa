"""Cancelled lines go back to the purchases they can have come from, and to no others."""

from decimal import Decimal

from deploy.retail.invoices import Bought, Cancelled, Invoice, Reading
from deploy.retail.returning import SentBack, matched


def bought(number: str, *lines: tuple[str, int, int], customer: str = "ann") -> Invoice:
    """An invoice of these SKUs, units and pennies."""
    return Invoice(number, customer, "GB", [Bought(*line) for line in lines])


def back(number: str, sku: str, units: int, after: int, customer: str = "ann") -> Cancelled:
    """A cancelled line of 2.00 pounds a unit, after so many invoices."""
    return Cancelled(number, customer, sku, units, Decimal(2 * units), after)


def test_units_go_back_to_the_latest_purchase_before_and_then_to_earlier_ones() -> None:
    reading = Reading(
        invoices=[
            bought("1", ("A", 5, 200)),
            bought("2", ("A", 3, 250)),
            bought("3", ("A", 9, 300)),
        ],
        cancelled=[back("C1", "A", 4, after=2)],
    )
    returns = matched(reading)
    assert returns.sent == [
        SentBack("C1", "2", {"A": 3}, 750),
        SentBack("C1", "1", {"A": 1}, 200),
    ]
    assert (returns.matched.lines, returns.matched.units, returns.unmatched) == (1, 4, [])


def test_what_was_not_bought_is_listed_with_its_sum() -> None:
    reading = Reading(
        invoices=[bought("1", ("A", 2, 200)), bought("2", ("A", 9, 200), customer="bob")],
        cancelled=[back("C1", "A", 5, after=2), back("C2", "B", 1, after=2)],
    )
    returns = matched(reading)
    assert returns.sent == [SentBack("C1", "1", {"A": 2}, 400)]
    assert [(line.sku, line.units) for line in returns.unmatched] == [("A", 3), ("B", 1)]
    assert returns.unmatched_sum == Decimal(8)


def test_nothing_goes_back_twice_nor_to_a_later_purchase_nor_to_a_guest() -> None:
    reading = Reading(
        invoices=[bought("1", ("A", 2, 200)), bought("2", ("B", 2, 200), customer="")],
        cancelled=[
            back("C1", "A", 2, after=1),
            back("C2", "A", 2, after=1),
            back("C3", "A", 1, after=0),
            back("C4", "B", 1, after=2, customer=""),
        ],
    )
    returns = matched(reading)
    assert [(sent.number, dict(sent.units)) for sent in returns.sent] == [("C1", {"A": 2})]
    assert [line.number for line in returns.unmatched] == ["C2", "C3", "C4"]


def test_a_limit_cuts_what_comes_after_it_so_that_going_on_matches_the_same() -> None:
    reading = Reading(
        invoices=[bought("1", ("A", 2, 200)), bought("2", ("A", 2, 200))],
        cancelled=[back("C1", "A", 1, after=1), back("C2", "A", 1, after=2)],
    )
    first = matched(reading.limited(1)).sent
    assert [(sent.number, sent.invoice) for sent in first] == [("C1", "1")]
    assert matched(reading).sent[:1] == first


def test_lines_of_one_sku_go_back_the_first_line_first() -> None:
    """As the platform takes them, so that the pennies are the same."""
    reading = Reading(
        invoices=[bought("1", ("A", 2, 200), ("A", 3, 100))],
        cancelled=[back("C1", "A", 3, after=1), back("C2", "A", 2, after=1)],
    )
    assert [sent.pennies for sent in matched(reading).sent] == [500, 200]
