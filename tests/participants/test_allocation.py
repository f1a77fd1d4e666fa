"""From which warehouses an order's units come, and in which parcels."""

from hypothesis import given
from hypothesis import strategies as st

from contracts.messages.values import Parcel, Sku
from participants.inventory.allocation import allocated, filled, parcels
from tests.participants.goods import line

A, B = Sku("A"), Sku("B")
RANKED = ("near", "far", "last")
UNITS = st.dictionaries(st.sampled_from("ABC"), st.integers(1, 5), max_size=3)


def test_one_warehouse_that_has_everything_goes_before_a_better_one_that_has_not() -> None:
    """One parcel rather than two; among several that have everything, the first."""
    there = {"near": {A: 9}, "far": {A: 9, B: 9}, "last": {A: 9, B: 9}}
    assert allocated({A: 2, B: 1}, there, RANKED) == {"far": {A: 2, B: 1}}
    assert allocated({A: 2}, there, RANKED) == {"near": {A: 2}}


def test_what_no_warehouse_has_alone_is_split_by_rank() -> None:
    """Each SKU from the first that has some, the rest from the next."""
    there = {"near": {A: 1}, "far": {A: 1, B: 9}, "last": {A: 9}}
    placed = allocated({A: 4, B: 2}, there, RANKED)
    assert placed == {"near": {A: 1}, "far": {A: 1, B: 2}, "last": {A: 2}}
    assert list(placed) == ["near", "far", "last"]


def test_lines_are_packed_by_warehouse_the_first_line_first() -> None:
    """A line that comes from two warehouses is in two parcels, at its price."""
    lines = (line("A", 3, 100), line("B", 1, 50), line("A", 1, 80))
    placed = {"near": {A: 2}, "far": {A: 2, B: 1}}
    assert parcels(lines, placed) == (
        Parcel(warehouse="near", lines=(line("A", 2, 100),)),
        Parcel(warehouse="far", lines=(line("A", 1, 100), line("B", 1, 50), line("A", 1, 80))),
    )
    assert filled(lines, {A: 1}) == (line("A", 1, 100),)


@given(wanted=UNITS, there=st.fixed_dictionaries(dict.fromkeys(RANKED, UNITS)))
def test_as_much_as_there_is_is_placed_and_never_more(
    wanted: dict[str, int], there: dict[str, dict[str, int]]
) -> None:
    """Whatever is wanted and wherever it is: no warehouse gives more than it has."""
    placed = allocated(wanted, there, RANKED)
    for sku, units in wanted.items():
        found = sum(there[name].get(sku, 0) for name in RANKED)
        assert sum(those.get(sku, 0) for those in placed.values()) == min(units, found)
    for name, those in placed.items():
        assert all(there[name].get(sku, 0) >= units for sku, units in those.items())
    lines = tuple(line(sku, units, 100) for sku, units in wanted.items())
    packed = [each for parcel in parcels(lines, placed) for each in parcel.lines]
    assert sum(each.quantity for each in packed) == sum(sum(u.values()) for u in placed.values())
