"""From which warehouses the units of an order come.

From the first one that has all of them, so that there is one parcel; if none has, each SKU from the
first that has some of it, and what is left of it from the next. First is who has the lowest rank.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from contracts.messages.values import Line, Parcel

Units = Mapping[Any, int]
Placed = dict[str, dict[str, int]]


def allocated(wanted: Units, there: Mapping[str, Units], ranked: Sequence[str]) -> Placed:
    """Units by warehouse, in order of rank; of what is nowhere, nothing."""
    for warehouse in ranked:
        if all(there[warehouse].get(sku, 0) >= units for sku, units in wanted.items()):
            return {warehouse: dict(wanted)}
    return _split(wanted, there, ranked)


def parcels(lines: Iterable[Line], placed: Mapping[str, Units]) -> tuple[Parcel, ...]:
    """What of these lines comes from which warehouse, the first line first, as far as it goes."""
    left = {warehouse: dict(units) for warehouse, units in placed.items()}
    found: dict[str, list[Line]] = {warehouse: [] for warehouse in placed}
    for line in lines:
        wanted = line.quantity
        for warehouse, units in left.items():
            if count := min(wanted, units.get(line.sku, 0)):
                units[line.sku] -= count
                wanted -= count
                whole = count == line.quantity
                found[warehouse].append(line if whole else replace(line, quantity=count))
    return tuple(Parcel(warehouse=w, lines=tuple(those)) for w, those in found.items() if those)


def filled(lines: Iterable[Line], units: Units) -> tuple[Line, ...]:
    """The lines as far as these units go, the first line first."""
    return tuple(line for parcel in parcels(lines, {"": units}) for line in parcel.lines)


def _split(wanted: Units, there: Mapping[str, Units], ranked: Sequence[str]) -> Placed:
    left, placed = dict(wanted), {}
    for warehouse in ranked:
        taken = {sku: min(units, there[warehouse].get(sku, 0)) for sku, units in left.items()}
        taken = {sku: units for sku, units in taken.items() if units > 0}
        if taken:
            placed[warehouse] = taken
            left = {sku: units - taken.get(sku, 0) for sku, units in left.items()}
    return placed
