"""START HERE: which events make a cached availability out of date.

Of all that moves stock, only `OrderConfirmed` is published with its SKUs. A reservation before it,
a release and a count are not, so nothing is kept for longer than `kept.KEPT_SECONDS`.
"""

from contracts.delivery.service import Retries, Service
from contracts.messages.orders import OrderConfirmed
from contracts.runtime.session import BatchSession
from contracts.runtime.settings import settings
from side_effects.cache.kept import kept_at

cache = Service("cache", Retries(attempts=8))


@cache.on(OrderConfirmed)
def sold(event: OrderConfirmed, session: BatchSession) -> None:
    """Forget what is known of the SKUs that were sold, once the event is certainly handled."""
    session.later(_forget, event)


def _forget(session: BatchSession, events: list[OrderConfirmed]) -> None:
    skus = {line.sku for event in events for line in event.lines}
    kept = kept_at(settings().broker_url)
    session.when_over(lambda committed: kept.forget(skus) if committed else None)
