"""START HERE: what the orchestrator does on a command of its own: it lets children begin.

It is a service with an inbox like any other. What else it does, resuming and waking sagas, is in
`runner`.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select

from contracts.delivery.envelope import Envelope
from contracts.delivery.service import Rows
from contracts.messages.parcels import ParcelsClosed, ParcelsUnderWay, QueryParcels, ShipParcels
from contracts.messages.values import SagaId, parcel_saga_id, saga_id_of
from contracts.runtime.bulk import among
from contracts.runtime.session import BatchSession
from orchestrator.core.state import Parent
from orchestrator.sagas.parcel import PARCEL
from orchestrator.sagas.parcel_data import ParcelSent
from orchestrator.shell import runner
from orchestrator.shell.family import Standing, told
from orchestrator.shell.runner import Beginning, orchestrator
from orchestrator.shell.tables import SagaRow

__all__ = ["orchestrator"]


@orchestrator.handles(ShipParcels)
def ship(command: ShipParcels, session: BatchSession) -> ParcelsUnderWay:
    """Let a saga begin for each parcel; that they have ended is said later."""
    envelope: Envelope = session.info["envelope"]
    assert envelope.saga, "only a saga ships parcels"
    parent = Parent(saga=envelope.saga, command=envelope.id)
    for number, parcel in enumerate(command.parcels, start=1):
        data = ParcelSent(
            order_id=command.order_id,
            contact_id=command.contact_id,
            number=number,
            of=len(command.parcels),
            warehouse=parcel.warehouse,
            lines=parcel.lines,
            speed=command.speed,
        )
        child = parcel_saga_id(parent.saga, number)
        session.later(_begin, Beginning(PARCEL, child, command.order_id, data, parent))
    reason = f"{len(command.parcels)} parcels have begun"
    return ParcelsUnderWay(order_id=command.order_id, reason=reason)


def _parcels(queries: Sequence[QueryParcels]) -> Iterable[Rows]:
    return ((SagaRow, {child for query in queries for child in _children(query)}),)


@orchestrator.handles(QueryParcels, loads=_parcels)
def query(command: QueryParcels, session: BatchSession) -> ParcelsClosed | ParcelsUnderWay:
    """Where the parcels are."""
    found: list[Any] = [session.get(SagaRow, child) for child in _children(command)]
    standing = [Standing(row.data["number"], row.status, row.step) for row in found if row]
    if len(standing) < command.count:
        return ParcelsUnderWay(order_id=command.order_id, reason="some parcels have not begun")
    return told(command.order_id, standing)


def _children(query: QueryParcels) -> list[SagaId]:
    parent = saga_id_of(query.order_id)
    return [parcel_saga_id(parent, number) for number in range(1, query.count + 1)]


def _begin(session: BatchSession, beginnings: list[Beginning]) -> None:
    """Let those begin that have not, all in one go."""
    wanted = {beginning.saga_id: beginning for beginning in beginnings}
    for known in session.scalars(_KNOWN, {"among": sorted(wanted)}):
        del wanted[known]
    runner.start(session, [wanted[saga_id] for saga_id in sorted(wanted)])


_KNOWN = select(SagaRow.id).where(among(SagaRow.__table__.c.id))
