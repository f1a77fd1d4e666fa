"""Why an order stands where it stands: one text out of journal, definition and deliveries."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from contracts.runtime.database import Database
from orchestrator.core import tell
from orchestrator.shell import runner, store
from orchestrator.shell.tables import JournalRow, SagaRow
from side_effects.trail.tables import Delivery, EventRow


def why(orchestrator: Database, trail: Database, identifier: str) -> list[str] | None:
    """The story of an order (or saga) by id, and how it stands; None when nobody knows it."""
    with orchestrator.transaction() as session:
        ids = [identifier, runner.saga_id_of(identifier)]
        row = session.execute(select(SagaRow.__table__).where(SagaRow.id.in_(ids))).one_or_none()
        if row is None:
            return None
        at = store.now(session)
        journal = session.execute(
            select(JournalRow.at, JournalRow.notes)
            .where(JournalRow.saga_id == row.id)
            .order_by(JournalRow.version)
        ).all()
    saga = store.loaded(row, runner.definition)
    definition = runner.definition(row.name, row.definition)
    return [
        f"Order {row.subject}",
        *tell.told(saga.state.started_at, [(j.at, j.notes) for j in journal]),
        "",
        *tell.why(definition, saga.state, at),
        *_heard(trail, row.subject, saga.state.started_at),
    ]


def _heard(trail: Database, order_id: str, since: datetime) -> list[str]:
    """What became of the order's events, one line an event."""
    with trail.transaction() as session:
        rows = session.execute(
            select(EventRow.id, EventRow.type, EventRow.at, Delivery.subscriber, Delivery.state)
            .join(Delivery, Delivery.event_id == EventRow.id)
            .where(EventRow.subject == order_id)
            .order_by(EventRow.at, EventRow.id, Delivery.subscriber)
        ).all()
    events = dict.fromkeys((row.id, row.type, row.at) for row in rows)
    return [
        f"{_name(kind)} after {(at - since).total_seconds():.2f} s: {_states(rows, identity)}"
        for identity, kind, at in events
    ]


def _states(rows: Sequence[Any], event_id: str) -> str:
    mine = [(row.subscriber, row.state) for row in rows if row.id == event_id]
    states = dict.fromkeys(state for _, state in mine)
    return "; ".join(
        f"{state} by {', '.join(name for name, its in mine if its == state)}"
        if state == "handled"
        else f"{state} at {', '.join(name for name, its in mine if its == state)}"
        for state in states
    )


def _name(kind: str) -> str:
    return kind.split(".")[1]
