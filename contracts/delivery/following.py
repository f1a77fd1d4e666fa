"""An event that follows another is applied after it: one that comes early is put aside."""

from collections.abc import Sequence

from sqlalchemy import select

from contracts.delivery.envelope import Envelope
from contracts.delivery.tables import inbox
from contracts.delivery.turn import Turn
from contracts.runtime.bulk import among

STORED = select(inbox.c.id, inbox.c.settled, inbox.c.result).where(among(inbox.c.id))


def in_order(turn: Turn, fresh: Sequence[Envelope]) -> Sequence[Envelope]:
    """Those whose turn it is; what follows an event that is not applied here yet comes early, and
    is put aside."""
    before = {e.id: e.message.follows() for e in fresh}
    named = {p.id for p in before.values() if p and p.kind in turn.service.handled}
    if not named:
        return fresh
    found = turn.session.execute(STORED, {"among": list(named)})
    missing = named - {row.id for row in found if row.settled}
    early = {e.id: p for e in fresh if (p := before[e.id]) and p.id in missing}
    for envelope in fresh:
        if awaited := early.get(envelope.id):
            said = f"{awaited.kind.__name__} {awaited.id} is not applied here yet"
            turn.early.append((envelope, said))
    return [e for e in fresh if e.id not in early]
