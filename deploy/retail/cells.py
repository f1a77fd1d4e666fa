"""What a cell of a retail file must be, and what it then means; `ValueError` says what is wrong.

CSV gives text, Parquet gives numbers: both come to the same values here.
"""

import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

INTEGER = re.compile(r"[+-]?\d{1,15}(\.0*)?")
NUMBER = re.compile(r"[+-]?(\d{1,15}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,2})?")
PRINTABLE = re.compile(r"[^\x00-\x1f]+")
IDENTIFIER = re.compile(r"[A-Za-z0-9_.:\-]+")
MOST_PRICE = Decimal(10) ** 10
MOST_UNITS = 1_000_000
MISSING = ("", "na", "nan", "null", "none", "nat")  # as R, pandas and databases write it
FIRST = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=65_536, typed=True)
def invoice(value: Any) -> str:
    """An invoice's number; it becomes a part of the idempotency key."""
    return _identifier(value, "invoice number", 80)


@lru_cache(maxsize=65_536, typed=True)
def sku(value: Any) -> str:
    """A stock-keeping unit, as it stands in the file but for blanks around it."""
    text = _text(value)
    if not PRINTABLE.fullmatch(text) or len(text) > 64 or "/" in text:
        raise ValueError(f"SKU {text!r} is not 1 to 64 printable characters without a slash")
    return text


@lru_cache(maxsize=65_536, typed=True)
def quantity(value: Any) -> int:
    """A whole number of units; negative in cancellations and corrections."""
    text = _text(value)
    if not INTEGER.fullmatch(text):
        raise ValueError(f"quantity {text!r} is not a whole number")
    number = int(text.split(".")[0])
    if number > MOST_UNITS:
        raise ValueError(f"quantity {number} is over {MOST_UNITS}")
    return number


@lru_cache(maxsize=65_536, typed=True)
def price(value: Any) -> Decimal:
    """A unit price in pounds, as exact as the file has it."""
    text = _text(value)
    if not NUMBER.fullmatch(text) or abs(Decimal(text)) > MOST_PRICE:
        raise ValueError(f"price {text!r} is not a number of pounds")
    return Decimal(text)


@lru_cache(maxsize=65_536, typed=True)
def customer(value: Any) -> str:
    """A customer's number; empty for a guest."""
    text = re.sub(r"^(\d+)\.0+$", r"\1", _text(value))
    return "" if text.lower() in MISSING else _identifier(text, "customer", 80)


@lru_cache(maxsize=65_536, typed=True)
def country(value: Any) -> str:
    """A country's name."""
    text = _text(value)
    if text and (not PRINTABLE.fullmatch(text) or len(text) > 200):
        raise ValueError(f"country {text!r} is not a name")
    return text


@lru_cache(maxsize=65_536, typed=True)
def moment(value: Any) -> datetime | None:
    """When it was ordered, in UTC unless it says otherwise; None where the file does not know."""
    if not isinstance(value, datetime):
        text = _text(value)
        if text.lower() in MISSING:
            return None
        try:
            value = datetime.fromisoformat(text)
        except ValueError:
            what = f"time {text!r} is not written like 2010-12-01 08:26:00"
            raise ValueError(f"{what} (--ts '' leaves times out)") from None
    at: datetime = value if value.tzinfo else value.replace(tzinfo=UTC)
    if not FIRST <= at <= datetime.now(UTC):
        raise ValueError(f"time {at:%Y-%m-%d %H:%M} is not between 1970 and now")
    return at


@lru_cache(maxsize=65_536)
def pennies(exact: Decimal) -> int:
    """The price in whole pennies, a half one up, as a till rounds."""
    return int((exact * 100).quantize(Decimal(1), ROUND_HALF_UP))


def _identifier(value: Any, what: str, most: int) -> str:
    text = _text(value)
    if not IDENTIFIER.fullmatch(text) or len(text) > most:
        raise ValueError(f"{what} {text!r} is not 1 to {most} of A-Z a-z 0-9 _ . : -")
    return text


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        value = value.decode()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()
