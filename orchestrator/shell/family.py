"""What a saga is told of its children, each a saga of its own: all have ended, or where they are.

The command that made them begin was answered with a doubt, so that its saga asks now and then; when
the last child ends it is answered for certain. Children that end at the same time wait for each
other at the inbox row of that command, which keeps the answer for whoever sends it again.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from contracts.delivery.envelope import Envelope
from contracts.delivery.tables import inbox
from contracts.delivery.turn import tell
from contracts.messages.parcels import ParcelsClosed, ParcelsUnderWay, QueryParcels
from contracts.messages.values import MessageId, OrderId
from contracts.runtime.bulk import among
from contracts.runtime.session import BatchSession
from orchestrator.core.state import FINISHED, Parent, State
from orchestrator.shell.tables import SagaRow

COLUMNS = SagaRow.__table__.c
ORCHESTRATOR = "orchestrator"


class Standing(NamedTuple):
    """Where the saga of a parcel stands."""

    number: int
    status: str
    step: str


def ended(session: BatchSession, children: Sequence[State], at: datetime) -> None:
    """Answer every parent whose last child is among these, which have just ended."""
    parents = {child.parent.command: child.parent for child in children if child.parent}
    asked = session.execute(_ASKED, {"among": sorted(parents)}).all()
    of = sorted({parent.saga for parent in parents.values()})
    families: dict[str, list[Standing]] = {saga: [] for saga in of}
    for row in session.execute(_CHILDREN, {"among": of}):
        families[row.parent].append(Standing(row.number, row.status, row.step))
    for row in asked:
        parent = parents[MessageId(row.id)]
        family, order_id = families[parent.saga], OrderId(row.subject)
        answer = told(order_id, family)
        if isinstance(answer, ParcelsClosed):
            tell(session, _asked(parent, order_id, len(family), at), answer)


def told(order_id: OrderId, parcels: Sequence[Standing]) -> ParcelsClosed | ParcelsUnderWay:
    """What is said to the order that waits for these parcels."""
    under_way = [each for each in parcels if each.status not in FINISHED]
    if under_way:
        where = ", ".join(
            f"parcel {each.number} ({each.status} at {each.step or 'its start'})"
            for each in under_way
        )
        return ParcelsUnderWay(order_id=order_id, reason=f"waiting for {where}")
    given_up = tuple(sorted(each.number for each in parcels if each.status == "undone"))
    return ParcelsClosed(order_id=order_id, given_up=given_up)


def _asked(parent: Parent, order_id: OrderId, count: int, at: datetime) -> Envelope:
    """The command that is answered now. A query for the same stands for it, which is all that the
    answer needs to know."""
    return Envelope(
        id=parent.command,
        message=QueryParcels(order_id=order_id, count=count),
        source=ORCHESTRATOR,
        at=at,
        subject=order_id,
        saga=parent.saga,
    )


_ASKED = (
    select(inbox.c.id, inbox.c.subject)
    .where(among(inbox.c.id))
    .order_by(inbox.c.id)
    .with_for_update()
)
_CHILDREN = select(
    COLUMNS.parent,
    COLUMNS.status,
    COLUMNS.step,
    COLUMNS.data["number"].as_integer().label("number"),
).where(among(COLUMNS.parent))
