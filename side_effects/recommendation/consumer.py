"""START HERE: what is learned from a confirmed order.

Pairs are counted among the first `PAIRED_SKUS` of an order, so that one large order costs little.
The rows a batch adds to are locked and loaded together.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

from sqlalchemy.orm import Session

from contracts.delivery.service import Rows, Service
from contracts.messages.orders import OrderConfirmed
from side_effects.recommendation.tables import AppliedOrder, Bought, Together

recommendation = Service("recommendation")
PAIRED_SKUS = 8


def _sums(events: Sequence[OrderConfirmed]) -> Iterable[Rows]:
    return (
        (Bought, {(event.customer_id, sku) for event in events for sku in _skus(event)}),
        (Together, {pair for event in events for pair in _pairs(event)}),
    )


@recommendation.on(OrderConfirmed, loads=_sums)
def learn(event: OrderConfirmed, session: Session) -> None:
    """Add the order to the customer's profile and to what is bought together."""
    for sku in _skus(event):
        _count(session, Bought, customer_id=event.customer_id, sku=sku)
    for sku, other in _pairs(event):
        _count(session, Together, sku=sku, other=other)
    session.add(AppliedOrder(order_id=event.order_id))


def _skus(event: OrderConfirmed) -> list[str]:
    return sorted({line.sku for line in event.lines})


def _pairs(event: OrderConfirmed) -> list[tuple[str, str]]:
    return list(combinations(_skus(event)[:PAIRED_SKUS], 2))


def _count(session: Session, mapped: Any, **key: str) -> None:
    row = session.get(mapped, tuple(key.values()))
    if row is None:
        session.add(mapped(**key, orders=1))
    else:
        row.orders += 1
