"""What is done outside next for a shipment, as it stands: choose, hand over, or only look.

The carrier is written down before it is asked, so that whoever takes the call up again, after a
crash as well, asks the same one. While somebody wants nothing to be sent, nothing is handed over.
"""

from typing import Any

from sqlalchemy import select

from contracts.messages.values import ContactId, OrderId, derived
from contracts.runtime.session import BatchSession
from participants.shipping import carrier
from participants.shipping.answers import ASKING, CHOOSING
from participants.shipping.carrier import HandOver, LookUp
from participants.shipping.chooses import Carrier
from participants.shipping.quotes import ChooseCarrier
from participants.shipping.tables import CarrierRow, Shipment

CARRIERS = "the carriers of this batch"
Call = ChooseCarrier | HandOver | LookUp


def next_call(shipment: Shipment, session: BatchSession) -> Call | None:
    """What is to be asked next; None when it is known where the parcel stands."""
    if shipment.state == CHOOSING:
        return choosing(shipment, session)
    if shipment.state != ASKING:
        return None
    return looking(shipment, session) if shipment.stop else _handing_over(shipment, session)


def choosing(shipment: Shipment, session: BatchSession) -> ChooseCarrier:
    """Choose among the carriers that were not tried."""
    return ChooseCarrier(
        key=shipment.key,
        order_id=OrderId(shipment.order_id),
        parcel=shipment.parcel,
        contact_id=_contact(shipment),
        speed=shipment.speed,
        carriers=tuple(untried(shipment, session)),
    )


def choose(shipment: Shipment, name: str) -> None:
    """From now on this carrier is asked, under a key of its own."""
    shipment.state, shipment.carrier = ASKING, name
    shipment.key = derived(shipment.key, name)
    shipment.under_way, shipment.unanswered_at = 0, None


def untried(shipment: Shipment, session: BatchSession) -> list[Carrier]:
    """The enabled carriers that were not tried, by rank."""
    rows = (row for row in _carriers(session) if row.enabled and row.id not in shipment.tried)
    return [Carrier(id=row.id, path=row.path, countries=tuple(row.countries)) for row in rows]


def _handing_over(shipment: Shipment, session: BatchSession) -> HandOver:
    again = bool(shipment.under_way or shipment.unanswered_at)
    shipment.under_way += 1
    return HandOver(
        key=shipment.key,
        order_id=OrderId(shipment.order_id),
        parcel=shipment.parcel,
        contact_id=_contact(shipment),
        carrier=shipment.carrier,
        path=path_of(shipment.carrier, session),
        again=again,
        wanted=carrier.stamp(),
    )


def looking(shipment: Shipment, session: BatchSession) -> LookUp:
    """Look whether the carrier has it."""
    return LookUp(
        order_id=OrderId(shipment.order_id),
        parcel=shipment.parcel,
        carrier=shipment.carrier,
        path=path_of(shipment.carrier, session),
        unanswered_at=None if shipment.under_way else shipment.unanswered_at,
    )


def path_of(name: str, session: BatchSession) -> str:
    """Where the carrier answers; one that is not enabled any more keeps what it has."""
    return str(next(row.path for row in _carriers(session) if row.id == name))


def _contact(shipment: Shipment) -> ContactId:
    assert shipment.contact_id, "only a shipment that was stopped first has no contact"
    return ContactId(shipment.contact_id)


def _carriers(session: BatchSession) -> list[Any]:
    """Every carrier by rank, read at the first call of a batch."""
    if CARRIERS not in session.info:
        session.info[CARRIERS] = session.execute(_BY_RANK).all()
    carriers: list[Any] = session.info[CARRIERS]
    return carriers


_BY_RANK = select(CarrierRow.__table__).order_by(CarrierRow.rank, CarrierRow.id)
