"""One subscriber on a real database, told events as the relay tells them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from contracts.delivery.due import Host
from contracts.delivery.envelope import Envelope
from contracts.delivery.memory import Memory
from contracts.delivery.service import Service
from contracts.messages.base import Message
from contracts.messages.orders import OrderConfirmed
from contracts.messages.values import (
    ContactId,
    CustomerId,
    Line,
    MessageId,
    Money,
    OrderId,
    Sku,
    derived,
    time_of,
    total,
)
from contracts.runtime.settings import Settings
from tests.participants.bench import migrated, new_order


@dataclass
class Subscriber:
    """The subscriber's host, and what it sends."""

    host: Host
    memory: Memory

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """What `query` finds; nothing for a change."""
        with self.host.db.transaction() as session:
            found: Any = session.execute(text(query), values)
            return [tuple(row) for row in found] if found.returns_rows else []

    def sent(self, to: str) -> list[Message]:
        """The messages that wait for a service."""
        self.host.relay.send_events()
        self.host.relay.send_reports()
        waiting = self.memory._queues[to]
        return [e.message for _ in range(waiting.qsize()) for e in waiting.get_nowait() or ()]


@contextmanager
def subscriber(service: Service, admin_url: str, *others: str) -> Iterator[Subscriber]:
    """The subscriber, not running by itself, and queues for `others`."""
    config = Settings(database_url=migrated(admin_url), signing_key="k" * 40)
    memory = Memory(config)
    for other in others:
        memory.host(Service(other))
    host = memory.host(service)
    try:
        yield Subscriber(host, memory)
    finally:
        host.db.close()


def confirmed(*lines: tuple[str, int, int], customer: str = "c") -> Envelope:
    """OrderConfirmed of a new order with these (SKU, quantity, price in pence)."""
    order = new_order()
    bought = tuple(
        Line(sku=Sku(sku), quantity=units, unit_price=Money(amount=price, currency="GBP"))
        for sku, units, price in lines
    )
    return event(
        OrderConfirmed(
            order_id=order,
            customer_id=CustomerId(customer),
            contact_id=ContactId(order),
            lines=bought,
            total=total(bought, "GBP"),
        ),
        order,
    )


def event(message: Message, order: OrderId, which: str = "") -> Envelope:
    """The message as it was published about an order; `which` of several alike."""
    return Envelope(
        id=MessageId(derived(order, type(message).__name__, which)),
        message=message,
        source="orchestrator",
        at=time_of(order),
        subject=order,
    )
