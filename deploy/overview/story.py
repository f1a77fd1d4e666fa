"""Why an order stands where it stands: one text out of journal, definition and deliveries."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select

from contracts.runtime.database import Database
from contracts.runtime.session import BatchSession
from deploy.overview.order import name_of
from orchestrator.core import tell
from orchestrator.core.state import Review
from orchestrator.shell import runner, store
from orchestrator.shell.tables import JournalRow, ReviewRow, SagaRow
from side_effects.trail.tables import Delivery, EventRow


def why(orchestrator: Database, trail: Database, identifier: str) -> list[str] | None:
    """The story of an order (by its id or that of a saga), with its cancelling and its returns, and
    how each stands; None when nobody knows it."""
    sagas = SagaRow.__table__
    with orchestrator.transaction() as session:
        of = select(SagaRow.subject).where(SagaRow.id == identifier).scalar_subquery()
        mine = or_(SagaRow.subject == identifier, SagaRow.subject == of)
        rows = session.execute(select(sagas).where(mine).order_by(SagaRow.started_at)).all()
        if not rows:
            return None
        at = store.now(session)
        told = [line for row in rows for line in _story(session, row, at)]
    return [f"Order {rows[0].subject}", *told, *_heard(trail, rows[0].subject, rows[0].started_at)]


def _story(session: BatchSession, row: Any, at: datetime) -> list[str]:
    """What happened in one saga, and how it stands."""
    journal = session.execute(
        select(JournalRow.at, JournalRow.notes)
        .where(JournalRow.saga_id == row.id)
        .order_by(JournalRow.version)
    ).all()
    saga = store.loaded(row, runner.definition)
    definition = runner.definition(row.name, row.definition)
    lines = tell.told(saga.state.started_at, [(j.at, j.notes) for j in journal])
    if row.parent:
        lines = [f"{row.name.capitalize()} {row.data['number']} of {row.data['of']}:", *lines]
    who = _working(session, saga.state.review, at)
    return [*lines, "", *tell.why(definition, saga.state, at), *who, ""]


def _working(session: BatchSession, review: Review | None, at: datetime) -> list[str]:
    """Who has claimed the review that is open."""
    if review is None:
        return []
    row = session.get(ReviewRow, review.id)
    return [tell.working(row.claimed_by, at - row.claimed_at)] if row and row.claimed_by else []


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
        f"{name_of(kind)} after {(at - since).total_seconds():.2f} s: {_states(rows, identity)}"
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
