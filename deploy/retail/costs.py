"""What an order costs with a code and points, and what is paid back for a part of it.

Computed from the file and the rule alone, never with the platform's code: it is what the platform's
sums are compared with. Everything is in pennies; half a penny is rounded up.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Any

# What each code takes off, as it is put to the platform; a share is in basis points.
CODES: dict[str, dict[str, Any]] = {
    "IMPORT-TENTH": {"share": 1000},
    "IMPORT-THIRD": {"share": 3333},
    "IMPORT-FIVER": {"amount": 500, "currency": "GBP", "least_goods": 2000},
}


@dataclass(frozen=True)
class Cost:
    """What goods come to, and what of that a promotion takes off and points pay."""

    goods: int = 0
    discount: int = 0
    points: int = 0

    @classmethod
    def of(cls, goods: int, code: str, points: int) -> "Cost":
        """The cost with a code that fits, or none; points pay for goods alone."""
        discount = _taken_off(goods, CODES[code]) if code else 0
        return cls(goods, discount, min(points, goods - discount))

    @property
    def paid(self) -> int:
        """What is left to be paid in money."""
        return self.goods - self.discount - self.points

    def part(self, goods: int) -> "Cost":
        """What it costs when only these goods are left of it: as great a part of the discount."""
        discount = _rounded(Fraction(self.discount * goods, self.goods)) if goods else 0
        return Cost(goods, discount, min(self.points, goods - discount))

    def __add__(self, other: "Cost") -> "Cost":
        """The sum of both, part by part."""
        return Cost(
            self.goods + other.goods, self.discount + other.discount, self.points + other.points
        )


def fits(code: str, goods: int) -> bool:
    """Whether the code is for goods of this value."""
    least: int = CODES[code].get("least_goods", 0)
    return goods >= least


def _taken_off(goods: int, says: dict[str, Any]) -> int:
    if "share" in says:
        return _rounded(Fraction(goods * says["share"], 10_000))
    amount: int = says["amount"]
    return min(amount, goods)


def _rounded(exact: Fraction) -> int:
    return floor(exact + Fraction(1, 2))
