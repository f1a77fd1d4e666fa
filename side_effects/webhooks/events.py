"""Which events a shop may be told, by which name, and what of them it is told."""

import json
from dataclasses import asdict

from contracts.delivery.envelope import Envelope
from contracts.messages.base import Message, is_public
from contracts.messages.catalogue import messages
from contracts.messages.orders import OrderCreated

PRIVATE = ("contact_id",)


def kind_of(event: type[Message]) -> str:
    """`OrderConfirmed` as shops know it: `order.confirmed`."""
    return event.words().replace(" ", ".")


# Every public fact about an order as such, so that a new one is offered as soon as it is declared;
# but its creation, which is what the shop itself has asked for.
EVENTS: dict[str, type[Message]] = {
    kind_of(event): event
    for event in sorted(messages().values(), key=lambda event: event.__name__)
    if is_public(event) and event.__name__.startswith("Order") and event is not OrderCreated
}


def body_of(envelope: Envelope) -> str:
    """What is posted (the shape that Standard Webhooks recommends); people's references stay."""
    data = {k: v for k, v in asdict(envelope.message).items() if k not in PRIVATE}
    kind = kind_of(type(envelope.message))
    return json.dumps({"type": kind, "timestamp": envelope.at.isoformat(), "data": data})
