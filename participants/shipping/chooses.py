"""Which carrier takes the parcel: the cheapest, the fastest, or the first that serves the country.

A pure rule; who is asked, and who does not answer, is decided elsewhere.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

FASTEST = "fastest"


@dataclass(frozen=True, kw_only=True)
class Carrier:
    """A carrier that may be asked: its id, its path below the carriers' address, and the countries
    it serves; none named means every one."""

    id: str
    path: str
    countries: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Quote:
    """What a carrier wants for the parcel, in minor units, and how many days it takes."""

    carrier: str
    amount: int
    currency: str
    days: int


def chosen(quotes: Sequence[Quote], speed: str) -> Quote | None:
    """The quote that fits the wish best, None when there are none; of equals the first.

    The cheapest is the faster of two that cost the same, the fastest the cheaper of two that take
    as long. Carriers quote in the one currency in which the shop pays them.
    """
    if speed == FASTEST:
        return min(quotes, key=lambda quote: (quote.days, quote.amount), default=None)
    return min(quotes, key=lambda quote: (quote.amount, quote.days), default=None)


def serving(carriers: Iterable[Carrier], country: str) -> list[Carrier]:
    """Those that serve the country, in the order in which they were given."""
    return [
        carrier for carrier in carriers if not carrier.countries or country in carrier.countries
    ]
