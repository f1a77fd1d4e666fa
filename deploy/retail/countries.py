"""The countries of *Online Retail* as ISO 3166-1 alpha-2; what is none of them is `XX`.

The names are the shop's own: EIRE, RSA, and groups of islands. A two-letter code stands for itself.
"""

import re
from collections import Counter
from collections.abc import Iterable

UNKNOWN = "XX"  # ISO 3166-1: free for a user's own meaning
CODES = {
    "Australia": "AU",
    "Austria": "AT",
    "Bahrain": "BH",
    "Belgium": "BE",
    "Brazil": "BR",
    "Canada": "CA",
    "Channel Islands": "JE",  # the largest of them
    "Cyprus": "CY",
    "Czech Republic": "CZ",
    "Denmark": "DK",
    "EIRE": "IE",
    "European Community": "EU",  # exceptionally reserved
    "Finland": "FI",
    "France": "FR",
    "Germany": "DE",
    "Greece": "GR",
    "Hong Kong": "HK",
    "Iceland": "IS",
    "Israel": "IL",
    "Italy": "IT",
    "Japan": "JP",
    "Lebanon": "LB",
    "Lithuania": "LT",
    "Malta": "MT",
    "Netherlands": "NL",
    "Norway": "NO",
    "Poland": "PL",
    "Portugal": "PT",
    "RSA": "ZA",
    "Saudi Arabia": "SA",
    "Singapore": "SG",
    "Spain": "ES",
    "Sweden": "SE",
    "Switzerland": "CH",
    "USA": "US",
    "United Arab Emirates": "AE",
    "United Kingdom": "GB",
}


def code(name: str) -> str:
    """The country's code; `XX` for one that is not known ("Unspecified" is one of those)."""
    return CODES.get(name) or (name if re.fullmatch("[A-Z]{2}", name) else UNKNOWN)


def unknown(names: Iterable[str]) -> dict[str, int]:
    """The names that have no code, and how often each occurs."""
    return dict(Counter(name or "none" for name in names if code(name) == UNKNOWN))
