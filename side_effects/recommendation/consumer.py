"""START HERE: what is learned from a confirmed order.

Pairs are counted among the first `PAIRED_SKUS` of an order, so that one large order costs little.
What a batch adds is summed, and added in one statement a table.
"""

from collections import Counter
from itertools import combinations

from contracts.delivery.service import Service
from contracts.messages.orders import OrderConfirmed
from contracts.runtime.bulk import add_up
from contracts.runtime.session import BatchSession
from side_effects.recommendation.tables import AppliedOrder, Bought, Together

recommendation = Service("recommendation")
PAIRED_SKUS = 8


@recommendation.on(OrderConfirmed)
def learn(event: OrderConfirmed, session: BatchSession) -> None:
    """Add the order to the customer's profile and to what is bought together."""
    session.later(_add, event)
    session.add(AppliedOrder(order_id=event.order_id))


def _add(session: BatchSession, events: list[OrderConfirmed]) -> None:
    bought = Counter((event.customer_id, sku) for event in events for sku in _skus(event))
    together = Counter(pair for event in events for pair in _pairs(event))
    for table, counts in ((Bought, bought), (Together, together)):
        add_up(session, table.__table__, {key: (count,) for key, count in counts.items()})


def _skus(event: OrderConfirmed) -> list[str]:
    return sorted({line.sku for line in event.lines})


def _pairs(event: OrderConfirmed) -> list[tuple[str, str]]:
    return list(combinations(_skus(event)[:PAIRED_SKUS], 2))
