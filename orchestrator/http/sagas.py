"""Looking at sagas: where each stands, what happened, and what a person may do."""

from datetime import timedelta
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy import func, select

from contracts.delivery.due import Host
from contracts.runtime.access import Caller, allow
from contracts.runtime.problems import Problem
from orchestrator.core.state import FINISHED, Status
from orchestrator.http.standing import brief, detail, ids_of
from orchestrator.shell.tables import ACCEPTED, JournalRow, SagaRow

Staff = Annotated[Caller, Depends(allow("support", "risk", "operator"))]
PAGE = 100
Word = Annotated[str | None, Field(max_length=200, pattern=r"^[^\x00-\x1f]*$")]


class SagaFilter(BaseModel):
    """Which sagas to list. Times in seconds; `q` is an order or saga id."""

    status: Word = None
    step: Word = None
    waiting_longer_than: float | None = Field(None, ge=0, le=1e9)
    failure: Word = None
    saga: Word = None
    paused: bool | None = None
    retrying: bool | None = None
    q: str | None = None
    cursor: str | None = None
    limit: int = Field(PAGE, ge=1, le=500)


def routes(host: Host) -> APIRouter:
    """The routes about sagas, on the orchestrator's database."""
    router = APIRouter(tags=["sagas"])

    @router.get("/sagas")
    def sagas(caller: Staff, chosen: Annotated[SagaFilter, Query()]) -> dict[str, Any]:
        """Sagas, newest first, by cursor."""
        with host.db.transaction() as session:
            rows = session.execute(_listed(chosen)).all()
        last = rows[-1].id if len(rows) == chosen.limit else None
        return {"sagas": [brief(row) for row in rows], "next": last}

    @router.get("/sagas/{saga_id}")
    def saga(saga_id: str, caller: Staff) -> dict[str, Any]:
        """One saga: every step, what was sent, what came back, what is next and allowed; which saga
        waits for it, and for which it waits."""
        with host.db.transaction() as session:
            row = _found(session.execute(_by_id(saga_id)).one_or_none())
            children = session.execute(_children_of(row.id)).all()
            shown = detail(session, row, caller)
            return {**shown, "children": [brief(child) for child in children]}

    @router.get("/sagas/{saga_id}/journal")
    def journal(saga_id: str, caller: Staff) -> dict[str, Any]:
        """Every transition of one saga, in order."""
        with host.db.transaction() as session:
            saga = _found(session.execute(_by_id(saga_id)).one_or_none())
            rows = session.execute(_journal(saga.id)).all()
        return {"journal": [dict(row._mapping) for row in rows]}

    return router


def _listed(chosen: SagaFilter) -> Any:
    found = select(SagaRow.__table__).order_by(SagaRow.id.desc()).limit(chosen.limit)
    if chosen.status:
        found = found.where(SagaRow.status == chosen.status)
    if chosen.step:
        found = found.where(SagaRow.step == chosen.step, _OPEN)
    if chosen.saga:
        found = found.where(SagaRow.name == chosen.saga)
    if chosen.paused is not None:
        found = found.where(SagaRow.paused == chosen.paused)
    if chosen.retrying is not None:
        found = found.where(SagaRow.retrying == chosen.retrying)
    if chosen.failure:
        failed = _failed(chosen.failure)
        found = found.join(failed, failed.c.id == SagaRow.id)
    if chosen.waiting_longer_than is not None:
        since = func.now() - timedelta(seconds=chosen.waiting_longer_than)
        found = found.where(SagaRow.changed_at < since, _OPEN)
    if chosen.q:
        wanted = ids_of(chosen.q)[0]
        found = found.where((SagaRow.id == wanted) | (SagaRow.subject == wanted))
    if chosen.cursor:
        found = found.where(SagaRow.id < ids_of(chosen.cursor)[0])
    return found


# What is under way or waits is found by its status, among however many that have ended.
_UNFINISHED = [each for each in (ACCEPTED, *get_args(Status)) if each not in FINISHED]
_OPEN = SagaRow.status.in_(_UNFINISHED)


def _failed(said: str) -> Any:
    """The sagas whose failure says so, the newest first. Their index has the text, too; `OFFSET 0`
    keeps this a question of its own, which that index alone answers."""
    says = SagaRow.failure.icontains(said, autoescape=True)
    found = select(SagaRow.id).where(SagaRow.failure != "", says).order_by(SagaRow.id.desc())
    return found.offset(0).subquery("failed")


def _by_id(identifier: str) -> Any:
    """By the saga's id or by its order's."""
    return select(SagaRow.__table__).where(SagaRow.id.in_(ids_of(identifier)))


def _children_of(saga_id: str) -> Any:
    rows = SagaRow.__table__
    number = rows.c.data["number"].as_integer()
    return select(rows).where(rows.c.parent == saga_id).order_by(number)


def _journal(saga_id: str) -> Any:
    rows = JournalRow.__table__
    return select(rows).where(rows.c.saga_id == saga_id).order_by(rows.c.version)


def _found(row: Any) -> Any:
    if row is None:
        raise Problem(404, "not-found", "There is no such saga")
    return row
