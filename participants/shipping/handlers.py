"""START HERE: what shipping does on each command. One parcel is sent once, never twice.

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
from participants.shipping import (
    answers,
    calls,
    carrier,
    parcels,
    quotes,
    recording,
    tracking,
)
from participants.shipping.answers import (
    ASKING,
    CHOOSING,
    IN_PARCELS,
    REFUSED,
    STOPPED,
    OfStart,
    OfStop,
)
from participants.shipping.calls import Call
from participants.shipping.carrier import HandOver, LookUp
from participants.shipping.quotes import ChooseCarrier
from participants.shipping.tables import Shipment
from participants.shipping.tracking import TrackParcels

shipping = Service("shipping")


def _shipments(messages: Sequence[Any]) -> Iterable[Rows]:
    return ((Shipment, {(message.order_id, message.parcel) for message in messages}),)


def _starting(commands: Sequence[StartShipping]) -> Iterable[Rows]:
    """Their shipments, and those of the whole orders."""
    whole = (Shipment, {(command.order_id, 0) for command in commands})
    return (whole, *_shipments(commands))


def _whole(commands: Sequence[StopShipping]) -> Iterable[Rows]:
    return ((Shipment, {(command.order_id, 0) for command in commands}),)


@shipping.handles(StartShipping, loads=_starting)
def start(command: StartShipping, session: BatchSession) -> OfStart | Call:
    """Hand the parcel over. After a refusal the next command is a new try under new keys."""
    shipment = session.get(Shipment, (command.order_id, command.parcel))
    if shipment is None:
        shipment = _new(command.order_id, command.parcel, REFUSED)
        session.add(shipment)
    if command.parcel:
        parcels.begin(session, shipment, _of_order(session, command.order_id))
    if shipment.state == REFUSED:
        _begin(shipment, command, session)
    return calls.next_call(shipment, session) or answers.of_start(shipment)


@shipping.handles(StopShipping, loads=_whole)
def stop(command: StopShipping, session: BatchSession) -> OfStop | LookUp:
    """Let nothing be sent. While a carrier is asked, that is for the carrier to tell."""
    shipment = session.get(Shipment, (command.order_id, 0))
    if shipment is None:
        shipment = _new(command.order_id, 0, STOPPED)
        session.add(shipment)
    if shipment.state == IN_PARCELS:
        return parcels.stop(session, shipment)
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
    shipment = session.get(Shipment, (command.order_id, command.parcel))
    if shipment is None:
        return ShippingStatusUnknown(order_id=command.order_id, reason="no shipment is known")
    return calls.next_call(shipment, session) or answers.told(shipment, session)


shipping.performs(ChooseCarrier, record=recording.choose, loads=_shipments)(quotes.choose)
shipping.performs(HandOver, record=recording.hand_over, loads=_shipments)(carrier.hand_over)
shipping.performs(LookUp, record=recording.look_up, loads=_shipments)(carrier.look_up)
shipping.performs(TrackParcels, record=tracking.record, loads=tracking.shipments)(tracking.ask)
shipping.chore(every=tracking.EVERY)(tracking.track)


def _of_order(session: BatchSession, order_id: OrderId) -> Shipment:
    """The shipment of the whole order, which is sent in several parcels."""
    whole: Shipment | None = session.get(Shipment, (order_id, 0))
    if whole is None:
        whole = _new(order_id, 0, IN_PARCELS)
        session.add(whole)
    return whole


def _new(order_id: OrderId, parcel: int, state: str) -> Shipment:
    return Shipment(
        order_id=order_id,
        parcel=parcel,
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
        parcels=[],
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
