"""What an operator does about a saga, and what it leaves behind."""

from dataclasses import replace
from typing import Any

from sqlalchemy import text

from orchestrator.core.advance import advance
from orchestrator.core.state import begin
from orchestrator.shell import store
from orchestrator.shell.audit import AUDIT
from tests.http.conftest import Edge
from tests.http.people import Person, UnderWay

WHY = "payments are back"


def acts(
    who: Person, saga: UnderWay, action: str, dry_run: bool = False, **body: Any
) -> tuple[int, Any]:
    """Status and answer of an action on the saga as it stands, unless another version is seen."""
    body = {"reason": WHY, "seen_version": saga.state().version, "action": action, **body}
    return who("POST", f"/sagas/{saga.saga_id}/actions?dry_run={str(dry_run).lower()}", body)


def rows(edge: Edge, saga: UnderWay) -> list[tuple[str, str, bool]]:
    """What the audit says of the saga: who, what, and whether it was refused."""
    mine = AUDIT.select().where(AUDIT.c.saga_id == saga.saga_id).order_by(AUDIT.c.number)
    with edge.host.db.transaction() as session:
        return [(row.by, row.action, row.refused) for row in session.execute(mine)]


def journal(edge: Edge, saga: UnderWay) -> list[Any]:
    """The saga's journal."""
    entries = text("SELECT input, commands FROM journal WHERE saga_id = :id ORDER BY version")
    with edge.host.db.transaction() as session:
        return list(session.execute(entries, {"id": saga.saga_id}))


def replayed(edge: Edge, saga: UnderWay) -> bool:
    """Whether the journal leads to the state that is stored."""
    state = saga.state()
    learned = dict.fromkeys(("reserved", "adjusted", "parcels", "reason", "cancelled"))
    first = begin(saga.saga, state.id, replace(state.data, **learned), state.started_at)
    for entry in journal(edge, saga):
        first = advance(saga.saga, first, store.unpacked_input(entry.input)).state
    return first == state


def fall_due(edge: Edge, saga: UnderWay) -> None:
    """Let its row be looked at when sagas are woken next."""
    row = text("UPDATE sagas SET wake_at = now() - interval '1 s' WHERE id = :id")
    with edge.host.db.transaction() as session:
        session.execute(row, {"id": saga.saga_id})
