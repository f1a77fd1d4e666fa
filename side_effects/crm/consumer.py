"""START HERE: which events the CRM is told."""

from contracts.delivery.service import Done, Outcome, Retries, Service
from contracts.messages.orders import OrderConfirmed
from contracts.messages.users import UserRegistered
from contracts.runtime.session import BatchSession
from side_effects.crm import webhook
from side_effects.crm.tables import PostRow
from side_effects.crm.webhook import Post

crm = Service("crm", Retries(attempts=8))


@crm.on(OrderConfirmed)
def bought(event: OrderConfirmed, session: BatchSession) -> Post:
    """A customer bought something."""
    return Post(
        contact_id=event.contact_id,
        about=event.order_id,
        kind="order.confirmed",
        data={
            "order_id": event.order_id,
            "customer_id": event.customer_id,
            "amount": event.total.amount,
            "currency": event.total.currency,
        },
    )


@crm.on(UserRegistered)
def registered(event: UserRegistered, session: BatchSession) -> Post:
    """Somebody registered."""
    return Post(
        contact_id=event.contact_id,
        about=event.customer_id,
        kind="user.registered",
        data={"customer_id": event.customer_id},
    )


def record(post: Post, outcome: Outcome, session: BatchSession) -> None:
    """Remember what the CRM took; what it refused becomes a dead letter."""
    if isinstance(outcome, Done):
        event_id = session.info["envelope"].id
        session.add(PostRow(event_id=event_id, subject=post.about, kind=post.kind))


crm.performs(Post, record=record)(webhook.send)
