"""What waits for a person, and what people did about it: who works on what, and who decided."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Select, select, tuple_

from contracts.delivery.due import Host
from contracts.runtime.access import Caller, allow
from orchestrator.http import working
from orchestrator.http.working import shown
from orchestrator.shell.audit import AUDIT
from orchestrator.shell.store import REVIEWS, SAGAS

STAFF: tuple[Literal["support", "risk", "operator"], ...] = ("support", "risk", "operator")
Staff = Annotated[Caller, Depends(allow(*STAFF))]
Operator = Annotated[Caller, Depends(allow("operator"))]
Role = Literal["support", "risk", "operator", "admin"]
Reason = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\x00]*$")]
Person = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
PAGE = 500


class Body(BaseModel):
    """Only what is declared is let in."""

    model_config = ConfigDict(extra="forbid")


class DecisionBody(Body):
    """What a person decided, and why."""

    choice: str = Field(min_length=1, max_length=50)
    reason: Reason


class ClaimBody(Body):
    """To work on it; from another only with `take_over`, and why."""

    take_over: bool = False
    reason: Annotated[str, Field(max_length=1000, pattern=r"^[^\x00]*$")] = ""

    @model_validator(mode="after")
    def _why(self) -> "ClaimBody":
        if self.take_over and not self.reason:
            raise ValueError("take_over needs a reason")
        return self


class ReassignBody(Body):
    """Who is to be asked instead: another role, or a person of the role that is asked; and why."""

    to_role: Role | None = None
    to_person: Person | None = None
    reason: Reason

    @model_validator(mode="after")
    def _one(self) -> "ReassignBody":
        if (self.to_role is None) == (self.to_person is None):
            raise ValueError("name to_role or to_person, one of them")
        return self


class ReviewFilter(BaseModel):
    """Which open reviews to list: of a role, of a saga, those I claimed, those nobody has."""

    role: Role | None = None
    saga: UUID | None = None
    mine: bool = False
    unclaimed: bool = False
    cursor: str | None = Field(None, max_length=100)
    limit: int = Field(PAGE, ge=1, le=PAGE)


def routes(host: Host) -> APIRouter:
    """The routes about reviews, on the orchestrator's database."""
    router = APIRouter(tags=["reviews"])
    _about_one(router, host)

    @router.get("/reviews")
    def reviews(caller: Staff, chosen: Annotated[ReviewFilter, Query()]) -> dict[str, Any]:
        """What waits for a person, oldest first, by cursor."""
        with host.db.transaction() as session:
            rows = session.execute(_listed(chosen, caller.subject)).all()
        last = rows[-1].id if len(rows) == chosen.limit else None
        listed = [{**shown(row), "saga": row.name, "seen_version": row.version} for row in rows]
        return {"reviews": listed, "next": last}

    @router.get("/audit")
    def audit(
        caller: Operator,
        before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
        limit: Annotated[int, Query(ge=1, le=PAGE)] = 100,
    ) -> dict[str, Any]:
        """What people did, newest first, from before a number on."""
        wanted = select(AUDIT).order_by(AUDIT.c.number.desc()).limit(limit)
        if before is not None:
            wanted = wanted.where(AUDIT.c.number < before)
        with host.db.transaction() as session:
            rows = session.execute(wanted).all()
        last = rows[-1].number if len(rows) == limit else None
        return {"audit": [dict(row._mapping) for row in rows], "next": last}

    return router


def _about_one(router: APIRouter, host: Host) -> None:
    @router.post("/reviews/{review_id}/claim")
    def claim(review_id: str, caller: Staff, body: ClaimBody | None = None) -> dict[str, Any]:
        """Work on it; refused while somebody else does, unless it is taken over."""
        why = (body or ClaimBody()).model_dump()
        return host.run(lambda session: working.claim(session, review_id, caller, **why))

    @router.post("/reviews/{review_id}/release")
    def release(review_id: str, caller: Staff) -> dict[str, Any]:
        """Let others work on it."""
        return host.run(lambda session: working.release(session, review_id, caller))

    @router.post("/reviews/{review_id}/reassign")
    def reassign(review_id: str, caller: Staff, body: ReassignBody) -> dict[str, Any]:
        """Let another role, or this person, decide it."""
        to = body.model_dump()
        return host.run(lambda session: working.reassign(session, review_id, caller, **to))

    @router.post("/reviews/{review_id}/decision")
    def decide(review_id: str, caller: Staff, body: DecisionBody) -> dict[str, Any]:
        """Decide it; a second decision is refused with the reason."""
        chosen = body.model_dump()
        return host.run(lambda session: working.decide(session, review_id, caller, **chosen))


def _listed(chosen: ReviewFilter, me: str) -> Select[Any]:
    of = REVIEWS.c
    found = select(REVIEWS, SAGAS.c.name, SAGAS.c.version).join(SAGAS, SAGAS.c.id == of.saga_id)
    found = found.where(of.closed_at.is_(None)).order_by(of.opened_at, of.id)
    if chosen.role:
        found = found.where(of.owner == chosen.role)
    if chosen.saga:
        found = found.where(of.saga_id == str(chosen.saga))
    if chosen.mine:
        found = found.where(of.claimed_by == me)
    if chosen.unclaimed:
        found = found.where(of.claimed_by.is_(None))
    if chosen.cursor:
        last = select(of.opened_at, of.id).where(of.id == chosen.cursor).subquery()
        after = select(last.c.opened_at, last.c.id).scalar_subquery()
        found = found.where(tuple_(of.opened_at, of.id) > after)
    return found.limit(chosen.limit)
