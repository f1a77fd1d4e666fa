"""An order that is sent in several parcels: it is stopped as a whole, or not at all.

The shipment of the whole order names its parcels, so that one row is locked by whoever begins a
parcel and by whoever stops them all.
"""

from contracts.messages.shipping import ShippingStopped, ShippingTooLate
from contracts.messages.values import OrderId
from contracts.runtime.session import BatchSession
from participants.shipping.answers import CHOOSING, REFUSED, STOPPED
from participants.shipping.tables import Shipment


def begin(session: BatchSession, shipment: Shipment, whole: Shipment) -> None:
    """Count the parcel among those of its order; of one that was stopped it is stopped too."""
    if shipment.parcel not in whole.parcels:
        whole.parcels = [*whole.parcels, shipment.parcel]
    if whole.state == STOPPED and shipment.state == REFUSED:
        shipment.state = STOPPED


def stop(session: BatchSession, whole: Shipment) -> ShippingStopped | ShippingTooLate:
    """Let none of them be sent; too late as soon as a carrier has one, or is asked to take it."""
    of_batch = (each for each in session.rows(Shipment) if not each.parcel)
    session.load(
        Shipment, {(each.order_id, number) for each in of_batch for number in each.parcels}
    )
    keys = {(whole.order_id, parcel) for parcel in whole.parcels}
    parcels: list[Shipment] = [session.get(Shipment, key) for key in sorted(keys)]
    order_id = OrderId(whole.order_id)
    gone = [each for each in parcels if each.state not in (CHOOSING, REFUSED, STOPPED)]
    if gone:
        tracking = next((each.tracking for each in gone if each.tracking), "")
        return ShippingTooLate(order_id=order_id, tracking=tracking)
    for each in (whole, *parcels):
        each.state = STOPPED
    return ShippingStopped(order_id=order_id)
