"""START HERE: what shipping does on each command. One order is one parcel, never two."""

from collections.abc import Iterable, Sequence
from typing import Any

from contracts.delivery.outbox import put
from contracts.delivery.service import Done, Outcome, Refused, Rows, Service
from contracts.messages.shipping import (
    QueryShipping,
    ShippingRefused,
    ShippingRequested,
    ShippingStatusUnknown,
    StartShipping,
)
from contracts.messages.values import ContactId, OrderId
from contracts.runtime.session import BatchSession
from participants.shipping import carrier
from participants.shipping.carrier import CARRIER, HandOver
from participants.shipping.tables import Shipment

shipping = Service("shipping")
ASKING, REQUESTED, REFUSED = "asking", "requested", "refused"
Told = ShippingRequested | ShippingRefused | ShippingStatusUnknown


def _shipments(messages: Sequence[Any]) -> Iterable[Rows]:
    return ((Shipment, {message.order_id for message in messages}),)


@shipping.handles(StartShipping, loads=_shipments)
def start(command: StartShipping, session: BatchSession) -> Told | HandOver:
    """Hand the parcel over. After a refusal the next command is a new try under a new key."""
    key = str(session.info["envelope"].id)
    shipment = session.get(Shipment, command.order_id)
    again = shipment is not None
    if shipment is None:
        shipment = _new(command, key)
        session.add(shipment)
    if shipment.state == REFUSED:
        shipment.state, shipment.key, shipment.contact_id = ASKING, key, command.contact_id
    asking = shipment.state == ASKING
    return _hand_over(shipment, again) if asking else _told(shipment)


@shipping.handles(QueryShipping, loads=_shipments)
def query(command: QueryShipping, session: BatchSession) -> Told | HandOver:
    """Whether the carrier has the parcel; while that is open it is asked, under the same key."""
    shipment = session.get(Shipment, command.order_id)
    if shipment is None:
        return ShippingStatusUnknown(order_id=command.order_id, reason="no shipment is known")
    asking = shipment.state == ASKING
    return _hand_over(shipment, again=True) if asking else _told(shipment)


def record(intent: HandOver, outcome: Outcome, session: BatchSession) -> Told:
    """The carrier took it, refused it, or did not say.

    A parcel it took is there, whichever attempt it was; a refusal counts for its own attempt only.
    """
    shipment = session.get(Shipment, intent.order_id)
    assert shipment, "an intent is stored with its shipment"
    was = shipment.state
    if isinstance(outcome, Done) and was != REQUESTED:
        shipment.state, shipment.tracking = REQUESTED, outcome.data["tracking"]
    elif isinstance(outcome, Refused) and shipment.state == ASKING and intent.key == shipment.key:
        shipment.state, shipment.reason = REFUSED, outcome.reason
    told = _told(shipment, "" if isinstance(outcome, Done) else outcome.reason)
    asked = isinstance(session.info["envelope"].message, QueryShipping)
    if asked and shipment.state != was and told.public:
        put(session, told, subject=shipment.order_id)
    return told


shipping.performs(HandOver, record=record, loads=_shipments)(carrier.hand_over)


def _new(command: StartShipping, key: str) -> Shipment:
    return Shipment(
        order_id=command.order_id,
        contact_id=command.contact_id,
        state=ASKING,
        key=key,
        carrier=CARRIER,
        tracking="",
        reason="",
    )


def _hand_over(shipment: Shipment, again: bool) -> HandOver:
    return HandOver(
        key=shipment.key,
        order_id=OrderId(shipment.order_id),
        contact_id=ContactId(shipment.contact_id),
        again=again,
    )


def _told(shipment: Shipment, reason: str = "") -> Told:
    order_id = OrderId(shipment.order_id)
    if shipment.state == REQUESTED:
        return ShippingRequested(
            order_id=order_id, carrier=shipment.carrier, tracking=shipment.tracking
        )
    if shipment.state == REFUSED:
        return ShippingRefused(order_id=order_id, reason=shipment.reason)
    return ShippingStatusUnknown(order_id=order_id, reason=reason)
