"""START HERE: what gifts does on each command."""

from contracts.delivery.service import Service
from contracts.messages.gifts import GiftWrapped, WrapGift
from contracts.runtime.session import BatchSession
from participants.gifts.tables import Gift

gifts = Service("gifts")


@gifts.handles(WrapGift)
def wrap(command: WrapGift, session: BatchSession) -> GiftWrapped:
    """Wrap the order."""
    session.add(Gift(order_id=command.order_id))
    return GiftWrapped(order_id=command.order_id)
