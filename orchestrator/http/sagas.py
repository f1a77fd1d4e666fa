"""Looking at sagas: where each stands, what happened, and what a person may do."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy import func, select

from contracts.delivery.due import Host
from contracts.messages.values import saga_id_of
from contracts.runtime.access import Caller, allow
from contracts.runtime.problems import Problem
from orchestrator.core.state import FINISHED
from orchestrator.shell import runner
from orchestrator.shell.tables import JournalRow, SagaRow

Staff = Annotated[Caller, Depends(allow("support", "risk", "operator"))]
PAGE = 100
Word = Annotated[str | None, Field(max_length=200, pattern=r"^[^\x00-\x1f]*$")]


class SagaFilter(BaseModel):
    """Which sagas to list. Times in seconds; `q` is an order or saga id."""

    status: Word = None
    step: Word = None
    waiting_longer_than: float | None = Field(None, ge=0, le=1e9)
    failure: Word = None
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
        return {"sagas": [_brief(row) for row in rows], "next": last}

    @router.get("/sagas/{saga_id}")
    def saga(saga_id: str, caller: Staff) -> dict[str, Any]:
        """One saga: every step, what was sent, what came back, what is next and allowed; which saga
        waits for it, and for which it waits."""
        with host.db.transaction() as session:
            row = _found(session.execute(_by_id(saga_id)).one_or_none())
            children = session.execute(_children_of(row.id)).all()
        return {**detail(row), "children": [_brief(child) for child in children]}

    @router.get("/sagas/{saga_id}/journal")
    def journal(saga_id: str, caller: Staff) -> dict[str, Any]:
        """Every transition of one saga, in order."""
        with host.db.transaction() as session:
            saga = _found(session.execute(_by_id(saga_id)).one_or_none())
            rows = session.execute(_journal(saga.id)).all()
        return {"journal": [dict(row._mapping) for row in rows]}

    return router


def detail(row: Any) -> dict[str, Any]:
    """A saga as JSON: its row's facts and every step's state."""
    definition = runner.definition(row.name, row.definition)
    attempts = {step.name: step.attempts for step in definition.flat}
    state = row.state
    steps = [{**step, "attempts": attempts[step["name"]]} for step in state["steps"]]
    return {
        **_brief(row),
        "heading": state["heading"],
        "deadline": state["deadline"],
        "steps": steps,
        "review": state["review"],
        "allowed_actions": state["review"]["choices"] if state["review"] else [],
    }


def _listed(chosen: SagaFilter) -> Any:
    found = select(SagaRow.__table__).order_by(SagaRow.id.desc()).limit(chosen.limit)
    if chosen.status:
        found = found.where(SagaRow.status == chosen.status)
    if chosen.step:
        found = found.where(SagaRow.step == chosen.step)
    if chosen.failure:
        found = found.where(SagaRow.failure.icontains(chosen.failure, autoescape=True))
    if chosen.waiting_longer_than is not None:
        since = func.now() - timedelta(seconds=chosen.waiting_longer_than)
        found = found.where(SagaRow.changed_at < since, SagaRow.status.not_in(FINISHED))
    if chosen.q:
        found = found.where((SagaRow.id == _uuid(chosen.q)) | (SagaRow.subject == _uuid(chosen.q)))
    if chosen.cursor:
        found = found.where(SagaRow.id < _uuid(chosen.cursor))
    return found


def _by_id(identifier: str) -> Any:
    """By the saga's id or by its order's."""
    wanted = _uuid(identifier)
    ids = [wanted, saga_id_of(wanted)]
    return select(SagaRow.__table__).where(SagaRow.id.in_(ids))


def _children_of(saga_id: str) -> Any:
    rows = SagaRow.__table__
    number = rows.c.data["number"].as_integer()
    return select(rows).where(rows.c.parent == saga_id).order_by(number)


def _journal(saga_id: str) -> Any:
    rows = JournalRow.__table__
    return select(rows).where(rows.c.saga_id == saga_id).order_by(rows.c.version)


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise Problem(404, "not-found", "There is no such saga", f"{text!r} is no id.") from None


def _found(row: Any) -> Any:
    if row is None:
        raise Problem(404, "not-found", "There is no such saga")
    return row


def _brief(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "saga": row.name,
        "definition": row.definition,
        "version": row.version,
        "order_id": row.subject,
        "parent": row.parent,
        "status": row.status,
        "step": row.step,
        "failure": row.failure,
        "started_at": row.started_at,
        "changed_at": row.changed_at,
        "next_at": row.state["wake_at"],
    }
