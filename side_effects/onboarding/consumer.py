"""START HERE: what starts a checklist, and what ticks its items.

`UserRegistered` starts it, the first `OrderConfirmed` ticks the first order, in whatever order they
come. Nothing is published of a mail that was sent or of preferences: whoever knows ticks those over
HTTP.
"""

from contracts.delivery.service import Retries, Service
from contracts.messages.orders import OrderConfirmed
from contracts.messages.users import UserRegistered
from contracts.messages.values import time_of
from contracts.runtime.session import BatchSession
from side_effects.onboarding.checklist import Tick, tick

onboarding = Service("onboarding", Retries(attempts=8))


@onboarding.on(UserRegistered)
def registered(event: UserRegistered, session: BatchSession) -> None:
    """Start the checklist, when the person registered."""
    session.later(tick, Tick(event.customer_id, "started_at", time_of(event.contact_id)))


@onboarding.on(OrderConfirmed)
def ordered(event: OrderConfirmed, session: BatchSession) -> None:
    """Tick the first order, when it was submitted."""
    session.later(tick, Tick(event.customer_id, "first_order_at", time_of(event.order_id)))
