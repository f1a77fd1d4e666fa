"""START HERE: who gets a push when an order is confirmed: only who named a target.

A handler that fails is tried again `ATTEMPTS` times, a push as often as `Push` says, both at
doubling intervals from the setting `retry_seconds` on; what fails to the end, or is refused for
good, is a dead letter, which a replay sends.
"""

from collections.abc import Iterable, Sequence

from contracts.delivery.service import Done, Outcome, Rows, Service
from contracts.messages.orders import OrderConfirmed
from contracts.runtime.session import BatchSession
from side_effects.notifications import gateway
from side_effects.notifications.gateway import Push
from side_effects.notifications.tables import PushRow, PushTarget

notifications = Service("notifications")
ATTEMPTS = 8


def _targets(events: Sequence[OrderConfirmed]) -> Iterable[Rows]:
    return ((PushTarget, {event.customer_id for event in events}),)


@notifications.on(OrderConfirmed, loads=_targets, attempts=ATTEMPTS)
def confirmed(event: OrderConfirmed, session: BatchSession) -> Push | None:
    """One push for an order, where its customer wants to have it."""
    target = session.get(PushTarget, event.customer_id)
    if target is None:
        return None
    return Push(
        order_id=event.order_id,
        channel=target.channel,
        token=target.token,
        text=f"Your order is confirmed: {event.total}",
    )


def record(push: Push, outcome: Outcome, session: BatchSession) -> None:
    """Remember what the gateway took, or that there is none; a refusal becomes a dead letter."""
    if isinstance(outcome, Done):
        state = str(outcome.data["state"])
        session.add(PushRow(order_id=push.order_id, channel=push.channel, state=state))


notifications.performs(Push, record=record)(gateway.send)
