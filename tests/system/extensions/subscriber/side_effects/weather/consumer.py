"""START HERE: what weather hears."""

import structlog

from contracts.delivery.service import Service
from contracts.messages.orders import OrderConfirmed
from contracts.runtime.session import BatchSession

log = structlog.get_logger()
weather = Service("weather")


@weather.on(OrderConfirmed)
def shine(event: OrderConfirmed, _: BatchSession) -> None:
    """Say so."""
    log.info("the sun shines", order=event.order_id)
