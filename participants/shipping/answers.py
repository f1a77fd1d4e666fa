"""What shipping answers: where the parcel of an order stands, in the words of who asks.

choosing: no carrier was asked to take the parcel · asking: one is asked, or has not told ·
requested: it has the parcel · refused: none takes it · stopped: nothing was sent, nor will be ·
in parcels: of an order that is sent in several
"""

from contracts.delivery.envelope import Envelope
from contracts.messages.shipping import (
    QueryShipping,
    ShippingRefused,
    ShippingRequested,
    ShippingStatusUnknown,
    ShippingStopped,
    ShippingTooLate,
    StopShipping,
)
from contracts.messages.values import OrderId
from contracts.runtime.session import BatchSession
from participants.shipping.tables import Shipment

CHOOSING, ASKING, REQUESTED = "choosing", "asking", "requested"
REFUSED, STOPPED, IN_PARCELS = "refused", "stopped", "in parcels"
OfStart = ShippingRequested | ShippingStopped | ShippingRefused | ShippingStatusUnknown
OfStop = ShippingStopped | ShippingTooLate | ShippingStatusUnknown


def told(shipment: Shipment, session: BatchSession, reason: str = "") -> OfStart | OfStop:
    """The answer to the command at hand. A query is answered as the command it follows: to who
    wanted the parcel stopped, a parcel that is on its way is no success."""
    envelope: Envelope = session.info["envelope"]
    asked = envelope.message
    stop = isinstance(asked, QueryShipping) and who(session) in shipment.stop
    if stop or isinstance(asked, StopShipping):
        return of_stop(shipment, reason)
    return of_start(shipment, reason)


def of_start(shipment: Shipment, reason: str = "") -> OfStart:
    """Has a carrier the parcel?"""
    order_id = OrderId(shipment.order_id)
    if shipment.state == REQUESTED:
        return requested(shipment)
    if shipment.state == STOPPED:
        return ShippingStopped(order_id=order_id)
    if shipment.state == REFUSED:
        return ShippingRefused(order_id=order_id, reason=shipment.reason)
    return _unknown(shipment, reason)


def of_stop(shipment: Shipment, reason: str = "") -> OfStop:
    """Is certainly nothing sent?"""
    order_id = OrderId(shipment.order_id)
    if shipment.state == REQUESTED:
        return ShippingTooLate(order_id=order_id, tracking=shipment.tracking)
    if shipment.state == STOPPED:
        return ShippingStopped(order_id=order_id)
    return _unknown(shipment, reason)


def requested(shipment: Shipment) -> ShippingRequested:
    """The carrier has it."""
    return ShippingRequested(
        order_id=OrderId(shipment.order_id),
        carrier=shipment.carrier,
        tracking=shipment.tracking,
        parcel=shipment.parcel,
    )


def who(session: BatchSession) -> str:
    """Whose command is at hand: its saga, or the service that sent it."""
    envelope: Envelope = session.info["envelope"]
    return str(envelope.saga or envelope.source)


def _unknown(shipment: Shipment, reason: str) -> ShippingStatusUnknown:
    reason = reason or f"the shipment is {shipment.state}"
    return ShippingStatusUnknown(order_id=OrderId(shipment.order_id), reason=reason)
