"""When an order may be cancelled or sent back, and what is to be given back for what comes back.

What is to be given back is what the order cost, less what it costs without all returned units, less
what was given back already: so all returns of an order add up to what it cost, also when some were
withdrawn in between. Money goes back before points; what the sending cost goes back with the last
unit.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from contracts.messages.catalogue import read
from contracts.messages.payable import Payable
from contracts.messages.returns import ReturnLine
from contracts.messages.values import Line
from participants.orders.payable import part_of
from participants.orders.statuses import FORGOTTEN, GIVEN_UP, LOST, OPEN
from participants.orders.tables import OrderRow

CANCEL, UNLOCKED = "cancel", "unlocked"
TAKEN = ("captured", "partly refunded", "refunded")
COMPLETED = "completed"
SENT = (
    *("requested", "partly shipped", "shipped", "partly delivered", "delivered"),
    *("partly returned", "returned"),
)
Units = Mapping[str, int]


def why_not_cancelled(row: OrderRow | None) -> str:
    """Why the order cannot be cancelled; empty when it can."""
    if row is None or not row.customer_id:
        return "there is no such order"
    if row.status != "confirmed":
        return f"the order is {row.status}"
    if row.lock == UNLOCKED:
        return "its cancellation was given up"
    if row.returned:
        return "some of it was sent back already"
    return ""


def why_not_returned(row: OrderRow | None, wanted: Units, missing: bool = False) -> str:
    """Why these units cannot be sent back, or be missing; empty when they can."""
    if row is None or row.status != "confirmed":
        return f"the order is {row.status if row else 'not known'}"
    if row.lock == CANCEL:
        return "the order is being cancelled"
    if missing and row.amount and row.payment_status not in TAKEN:
        return "it is not paid yet"
    if not (missing or row.parcels or row.fulfilment_status in SENT):
        return "nothing of it was sent"
    left = returnable(row, missing)
    if not wanted or not left:
        return "nothing is left of it"
    if more := sorted(sku for sku, units in wanted.items() if units > left.get(sku, 0)):
        return f"more than was sent: {', '.join(more)}"
    return ""


def wanted_of(
    row: OrderRow | None, lines: Iterable[ReturnLine], missing: bool = False
) -> dict[str, int]:
    """The units that are named; all that is left when none are."""
    units: Counter[str] = Counter()
    for line in lines:
        units[line.sku] += line.quantity
    return dict(units) or (returnable(row, missing) if row else {})


def left_of(row: OrderRow) -> dict[str, int]:
    """The units that were not sent back yet."""
    left = Counter({sku: -units for sku, units in row.returned.items()})
    for line in _lines(row):
        left[line.sku] += line.quantity
    return {sku: units for sku, units in left.items() if units > 0}


def returnable(row: OrderRow, missing: bool = False) -> dict[str, int]:
    """The units that were sent and did not come back yet; those in a parcel that is lost may be
    `missing`. What no carrier has yet may still be given up, and is paid back then."""
    left = Counter(left_of(row))
    if row.parcels:
        gone = (*SENT, GIVEN_UP, LOST) if missing else (*SENT, GIVEN_UP)
        counted = [parcel for parcel in row.parcels.values() if parcel["state"] in gone]
        in_parcels = sum((Counter(units_of(parcel)) for parcel in counted), Counter())
        waiting = units_of({"lines": row.lines})
        left -= Counter(waiting) - in_parcels
    return dict(+left)


def units_of(parcel: Mapping[str, Any]) -> dict[str, int]:
    """The units of a parcel, or of all lines."""
    units: Counter[str] = Counter()
    for line in map(_line, parcel["lines"]):
        units[line.sku] += line.quantity
    return dict(units)


def given_back(row: OrderRow, units: Units, amount: int, points: int) -> tuple[int, int]:
    """The amount, in minor units, and the points for these units, where so much of each was given
    back before."""
    whole, left = _costs(row, {}), _costs(row, _more(row.returned, units))
    due = max(whole.total.amount - left.total.amount - amount, 0)
    points_due = max(whole.points - left.points - points, 0)
    kept, kept_points = _kept_for_parcels(row, whole)
    # What may still be given up keeps what it costs: the rest is given back in points, as far as
    # points have paid for what is gone.
    money = max(min(due, whole.total.amount - amount - kept), 0)
    free = max(whole.points - points - kept_points, 0)
    return money, min(points_due + due - money, free)


def _kept_for_parcels(row: OrderRow, whole: Payable) -> tuple[int, int]:
    """What the parcels cost that may still be given up, in money and in points: those that are
    open, and those that nobody has opened yet."""
    known = [parcel for parcel in row.parcels.values() if parcel["state"] != FORGOTTEN]
    still = [parcel for parcel in known if parcel["state"] == OPEN]
    money, points = (sum(parcel[name] for parcel in still) for name in ("amount", "points"))
    if known and len(row.parcels) < known[0]["of"]:
        money += whole.total.amount - sum(parcel["amount"] for parcel in known)
        points += whole.points - sum(parcel["points"] for parcel in known)
    return money, points


def keep(row: OrderRow, units: Units, sign: int = 1) -> None:
    """Count these units as returned; with -1 no more."""
    row.returned = _more(row.returned, {sku: sign * count for sku, count in units.items()})


def _costs(row: OrderRow, returned: Units) -> Payable:
    whole: Payable = read(Payable, row.payable)
    left = tuple(_without(_lines(row), returned))
    part = part_of(whole, left)
    if left:
        return part
    return replace(part, shipping=0, tax=0, total=replace(part.total, amount=0))


def _without(lines: Iterable[Line], returned: Units) -> Iterable[Line]:
    gone = dict(returned)
    for line in lines:
        less = min(line.quantity, gone.get(line.sku, 0))
        if less:
            gone[line.sku] -= less
        if line.quantity > less:
            yield replace(line, quantity=line.quantity - less)


def _lines(row: OrderRow) -> tuple[Line, ...]:
    return tuple(map(_line, row.lines))


def _line(line: Any) -> Line:
    found: Line = line if isinstance(line, Line) else read(Line, line)
    return found


def _more(returned: Units, units: Units) -> dict[str, int]:
    both = Counter(returned)
    both.update(units)
    return {sku: count for sku, count in sorted(both.items()) if count}
