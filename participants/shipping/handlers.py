"""START HERE: what shipping does on each command. One order is one parcel, never two.

Each command that must reach a carrier prepares a call (`calls`), which is performed outside any
transaction (`quotes`, `carrier`) and whose outcome is recorded in one of its own (`recording`).
"""

from collections.abc import Iterable, Sequence
from typing import Any

from contracts.delivery.service import Rows, Service
from contracts.messages.shipping import (
    QueryShipping,
    ShippingStatusUnknown,
    StartShipping,
    StopShipping,
)
from contracts.messages.values import OrderId
from contracts.runtime.session import BatchSession
from participants.shipping import answers, calls, carrier, quotes, recording, tracking
from participants.shipping.answers import ASKING, CHOOSING, REFUSED, STOPPED, OfStart, OfStop
from participants.shipping.calls import Call
from participants.shipping.carrier import HandOver, LookUp
from participants.shipping.quotes import ChooseCarrier
from participants.shipping.tables import Shipment
from participants.shipping.tracking import TrackParcels

shipping = Service("shipping")


def _shipments(messages: Sequence[Any]) -> Iterable[Rows]:
    return ((Shipment, {message.order_id for message in messages}),)


@shipping.handles(StartShipping, loads=_shipments)
def start(command: StartShipping, session: BatchSession) -> OfStart | Call:
    """Hand the parcel over. After a refusal the next command is a new try under new keys."""
    shipment = session.get(Shipment, command.order_id)
    if shipment is None:
        shipment = _new(command.order_id, REFUSED)
        session.add(shipment)
    if shipment.state == REFUSED:
        _begin(shipment, command, session)
    return calls.next_call(shipment, session) or answers.of_start(shipment)


@shipping.handles(StopShipping, loads=_shipments)
def stop(command: StopShipping, session: BatchSession) -> OfStop | LookUp:
    """Let nothing be sent. While a carrier is asked, that is for the carrier to tell."""
    shipment = session.get(Shipment, command.order_id)
    if shipment is None:
        shipment = _new(command.order_id, STOPPED)
        session.add(shipment)
    if answers.who(session) not in shipment.stop:
        shipment.stop = [*shipment.stop, answers.who(session)]
    if shipment.state in (CHOOSING, REFUSED):
        shipment.state = STOPPED
    return (
        calls.looking(shipment, session) if shipment.state == ASKING else answers.of_stop(shipment)
    )


@shipping.handles(QueryShipping, loads=_shipments)
def query(command: QueryShipping, session: BatchSession) -> OfStart | OfStop | Call:
    """Whether a carrier has the parcel; while that is open it is asked, under the same key."""
    shipment = session.get(Shipment, command.order_id)
    if shipment is None:
        return ShippingStatusUnknown(order_id=command.order_id, reason="no shipment is known")
    return calls.next_call(shipment, session) or answers.told(shipment, session)


shipping.performs(ChooseCarrier, record=recording.choose, loads=_shipments)(quotes.choose)
shipping.performs(HandOver, record=recording.hand_over, loads=_shipments)(carrier.hand_over)
shipping.performs(LookUp, record=recording.look_up, loads=_shipments)(carrier.look_up)
shipping.performs(TrackParcels, record=tracking.record, loads=tracking.shipments)(tracking.ask)
shipping.chore(every=tracking.EVERY)(tracking.track)


def _new(order_id: OrderId, state: str) -> Shipment:
    return Shipment(
        order_id=order_id,
        contact_id=None,
        state=state,
        speed="",
        key="",
        carrier="",
        tracking="",
        reason="",
        quotes=[],
        tried={},
        under_way=0,
        unanswered_at=None,
        stop=[],
        progress="",
        look_at=None,
    )


def _begin(shipment: Shipment, command: StartShipping, session: BatchSession) -> None:
    """Where no wish is stated and the first carrier serves every country, that is the choice."""
    shipment.state, shipment.key = CHOOSING, str(session.info["envelope"].id)
    shipment.contact_id, shipment.speed = command.contact_id, command.speed
    shipment.tried, shipment.reason = {}, ""
    able = calls.untried(shipment, session)
    if able and not command.speed and not able[0].countries:
        calls.choose(shipment, able[0].id)
