"""What `verify` checks of the payable, of points and of promotions.

The parts of a payable add up and are what was taken; points and uses are conserved, within their
limits, held by no order that was undone, and used by every confirmed one as its payable says.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

Read = Callable[..., list[Any]]
Told = Callable[[str, str, int, Iterable[Any]], None]

PAYABLES = """
SELECT id::text AS id, status, amount, (payable->>'goods')::bigint AS goods,
       (payable->>'discount')::bigint AS discount, (payable->>'points')::bigint AS points,
       (payable->>'shipping')::bigint AS shipping, (payable->>'tax')::bigint AS tax,
       (SELECT sum((line->>'quantity')::bigint) FROM json_array_elements(lines) AS line) AS units,
       (SELECT sum((line->>'quantity')::bigint * (line->'unit_price'->>'amount')::bigint)
          FROM json_array_elements(lines) AS line) AS sum
FROM orders WHERE customer_id <> ''
"""
UNITS = """
SELECT order_id::text AS id, coalesce((SELECT sum(sku.value::bigint)
         FROM json_each(units) AS place, json_each_text(place.value) AS sku), 0)
       + coalesce((SELECT sum(sku.value::bigint)
         FROM json_each(parcels) AS parcel, json_each_text(parcel.value->'units') AS sku
         WHERE parcel.value->>'state' <> 'picked'), 0) AS units
FROM reservations WHERE state IN ('held', 'committed', 'shipped') OR parcels::text <> '{}'
"""
POINTS = """
SELECT a.customer_id, a.balance, coalesce(sum(e.points), 0) AS entries
FROM points_accounts a LEFT JOIN points_entries e USING (customer_id) GROUP BY 1, 2
"""
USES = """
SELECT p.code, p.uses, p.most_uses, count(u.order_id) AS applied
FROM promotions p LEFT JOIN order_uses u ON u.code = p.code AND u.state = 'applied' GROUP BY 1, 2, 3
"""


@dataclass
class Benefits:
    """What is stored of payables, points and uses."""

    payables: list[Any] = field(default_factory=list)
    units: dict[str, int] = field(default_factory=dict)
    accounts: list[Any] = field(default_factory=list)
    redeemed: dict[str, int] = field(default_factory=dict)
    codes: list[Any] = field(default_factory=list)
    used: set[str] = field(default_factory=set)


def gather(read: Read) -> Benefits:
    """Read all of it once."""
    redeemed = "SELECT order_id::text AS id, points FROM order_redemptions WHERE state = 'applied'"
    used = "SELECT order_id::text AS id FROM order_uses WHERE state = 'applied'"
    return Benefits(
        payables=read("orders", PAYABLES),
        units={row.id: row.units for row in read("inventory", UNITS)},
        accounts=read("loyalty", POINTS),
        redeemed={row.id: row.points for row in read("loyalty", redeemed)},
        codes=read("promotions", USES),
        used={row.id for row in read("promotions", used)},
    )


def judge(seen: Benefits, judged: set[str], undone: set[str], told: Told) -> None:
    """Tell how much was checked by rule, and where it does not hold."""
    _payables(seen, judged, told)
    wrong = [a.customer_id for a in seen.accounts if a.balance != a.entries or a.balance < 0]
    told("I11", "points do not add up for", len(seen.accounts), wrong)
    codes = [c.code for c in seen.codes if c.uses != c.applied or c.uses > (c.most_uses or c.uses)]
    told("I11", "uses do not add up, or are too many, of", len(seen.codes), codes)
    kept = [order for order in (*seen.redeemed, *seen.used) if order in undone]
    told("I11", "undone, and it keeps points or a use", len(undone), kept)


def _payables(seen: Benefits, judged: set[str], told: Told) -> None:
    wrong = [
        p.id
        for p in seen.payables
        if p.amount != p.goods - p.discount - p.points + p.shipping
        or p.goods != (p.sum or 0)
        or min(p.amount, p.discount, p.points, p.shipping, p.tax) < 0
        or p.tax > p.amount
    ]
    told("I3", "the payable does not add up for", len(seen.payables), wrong)
    confirmed = [p for p in seen.payables if p.status == "confirmed" and p.id in judged]
    other = [p.id for p in confirmed if seen.units.get(p.id) != p.units]
    told("I10", "not charged for what is reserved", len(confirmed), other)
    unpaid = [p.id for p in confirmed if seen.redeemed.get(p.id, 0) != p.points]
    told("I11", "points are not taken as the payable says for", len(confirmed), unpaid)
    free = [p.id for p in confirmed if p.discount and p.id not in seen.used]
    told("I11", "a promotion is given without a use for", len(confirmed), free)
