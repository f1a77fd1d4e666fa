"""The values messages are made of: ids, money, lines; and how ids are derived.

Ids are UUIDv8 (RFC 9562): 48 bits of time in milliseconds, then bits of a hash. An id derived from
another keeps its time, so that everything of one saga stands together in an index and can be split
and aged by id. Nothing here reads a clock or a random source: both are inputs.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NewType

OrderId = NewType("OrderId", str)
SagaId = NewType("SagaId", str)
MessageId = NewType("MessageId", str)
CustomerId = NewType("CustomerId", str)
ContactId = NewType("ContactId", str)
Sku = NewType("Sku", str)


@dataclass(frozen=True, kw_only=True, order=True)
class Money:
    """An amount in integer minor units of an ISO 4217 currency: 1999 GBP is 19.99 pounds."""

    amount: int
    currency: str

    def __str__(self) -> str:
        """Two decimals and the currency, for people."""
        sign = "-" if self.amount < 0 else ""
        return f"{sign}{abs(self.amount) // 100}.{abs(self.amount) % 100:02d} {self.currency}"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of an order: how many of which stock-keeping unit at which unit price."""

    sku: Sku
    quantity: int
    unit_price: Money


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """The lines of an order that come from one warehouse."""

    warehouse: str
    lines: tuple[Line, ...]


def total(lines: tuple[Line, ...], currency: str) -> Money:
    """The sum of quantity times unit price over all lines."""
    amount = sum(line.quantity * line.unit_price.amount for line in lines)
    return Money(amount=amount, currency=currency)


def stamped(at: datetime, *parts: str) -> str:
    """A UUIDv8 that begins with `at` in milliseconds and ends with the hash of `parts`."""
    return _uuid8(f"{int(at.timestamp() * 1000):012x}", parts)


def derived(parent: str, *parts: str) -> str:
    """A UUIDv8 with the time of `parent` (an id made here) and the hash of it and `parts`."""
    return _uuid8(parent.replace("-", "")[:12], (parent, *parts))


def saga_id_of(order_id: str) -> SagaId:
    """The id of an order's saga."""
    return SagaId(derived(order_id, "saga"))


def parcel_saga_id(parent: SagaId, number: int) -> SagaId:
    """The id of the saga of this parcel: the same whichever command, and how often, begins it."""
    return SagaId(derived(parent, "parcel", str(number)))


def time_of(identifier: str) -> datetime:
    """The time an id made here begins with, in UTC."""
    return datetime.fromtimestamp(int(identifier.replace("-", "")[:12], 16) / 1000, UTC)


def snake(name: str) -> str:
    """`ReserveInventory` as `reserve_inventory`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _uuid8(time: str, parts: tuple[str, ...]) -> str:
    digest = hashlib.blake2b("\x1f".join(parts).encode(), digest_size=10).hexdigest()
    variant = f"{int(digest[3], 16) & 0x3 | 0x8:x}"
    return f"{time[:8]}-{time[8:12]}-8{digest[:3]}-{variant}{digest[4:7]}-{digest[7:19]}"
