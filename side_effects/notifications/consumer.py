"""START HERE: who gets a push when an order is confirmed: only who named a target, and was not
erased since.

A handler that fails is tried again as `notifications` declares, a push as often as `Push` says at
the same intervals; what fails to the end, or is refused for good, is a dead letter, which a replay
sends.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import JSON, bindparam, cast, delete, literal, update
from sqlalchemy.dialects.postgresql import JSONB

from contracts.delivery.service import Done, Ignored, Outcome, Retries, Rows, Service
from contracts.delivery.tables import intents
from contracts.messages.orders import OrderConfirmed
from contracts.messages.users import UserErased
from contracts.messages.values import CustomerId
from contracts.runtime.bulk import among
from contracts.runtime.session import BatchSession
from side_effects.notifications import gateway
from side_effects.notifications.gateway import SENT, Push
from side_effects.notifications.tables import PushRow, PushTarget

notifications = Service("notifications", Retries(attempts=8))


def _targets(events: Sequence[OrderConfirmed]) -> Iterable[Rows]:
    return ((PushTarget, {event.customer_id for event in events}),)


@notifications.on(OrderConfirmed, loads=_targets)
def confirmed(event: OrderConfirmed, session: BatchSession) -> Push | Ignored:
    """One push for an order, where its customer wants to have it."""
    target = session.get(PushTarget, event.customer_id)
    if target is None:
        return Ignored("nobody", "the customer named no target")
    return Push(
        order_id=event.order_id,
        customer_id=event.customer_id,
        channel=target.channel,
        token=target.token,
        text=f"Your order is confirmed: {event.total}",
    )


@notifications.on(UserErased)
def erased(event: UserErased, session: BatchSession) -> None:
    """Forget where the pushes of this customer went, in those too that the gateway refused."""
    session.later(_forget, (event.customer_id, session.info["envelope"].at))


def record(push: Push, outcome: Outcome, session: BatchSession) -> None:
    """Remember what the gateway took, or that there is none; a refusal becomes a dead letter."""
    if isinstance(outcome, Done):
        state = str(outcome.data.get("state", SENT))
        session.add(PushRow(order_id=push.order_id, channel=push.channel, state=state))


def _forget(session: BatchSession, erased: list[tuple[CustomerId, datetime]]) -> None:
    """A target that was named after the erasure stays."""
    for customer_id, at in erased:
        session.execute(_GONE, {"customer": customer_id, "erased_at": at})
    session.execute(_STRUCK, {"among": [customer_id for customer_id, _ in erased]})


_GONE = delete(PushTarget).where(
    PushTarget.customer_id == bindparam("customer"), PushTarget.at <= bindparam("erased_at")
)
_STRUCK = (
    update(intents)
    .where(
        intents.c.state != "pending",  # what is under way is sent
        among(intents.c.body["customer_id"].as_string()),
    )
    .values(body=cast(cast(intents.c.body, JSONB).concat(literal({"token": ""}, JSONB)), JSON))
)
notifications.performs(Push, record=record)(gateway.send)
