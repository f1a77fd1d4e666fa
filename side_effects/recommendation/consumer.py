"""START HERE: what is learned from a confirmed order.

What a batch adds is summed, and added in one statement.
"""

from collections import Counter
from typing import Any

from contracts.delivery.service import Retries, Service
from contracts.messages.orders import OrderConfirmed
from contracts.runtime.bulk import add_up
from contracts.runtime.session import BatchSession
from side_effects.recommendation.pairs import looked_at, pairs
from side_effects.recommendation.tables import AppliedOrder, Bought, LookedAt, Together

recommendation = Service("recommendation", Retries(attempts=8))


@recommendation.on(OrderConfirmed)
def learn(event: OrderConfirmed, session: BatchSession) -> None:
    """Add the order to the customer's profile and to what is bought together."""
    session.later(_add, event)
    session.add(AppliedOrder(order_id=event.order_id))


def _add(session: BatchSession, events: list[OrderConfirmed]) -> None:
    bought = Counter((event.customer_id, sku) for event in events for sku in _skus(event))
    together = Counter(pair for event in events for pair in pairs(_skus(event)))
    looked = Counter((sku,) for event in events for sku in looked_at(_skus(event)))
    counted: tuple[tuple[Any, Counter[Any]], ...] = (
        (Bought, bought),
        (Together, together),
        (LookedAt, looked),
    )
    for mapped, counts in counted:
        add_up(session, mapped.__table__, {key: (count,) for key, count in counts.items()})


def _skus(event: OrderConfirmed) -> list[str]:
    return sorted({line.sku for line in event.lines})
