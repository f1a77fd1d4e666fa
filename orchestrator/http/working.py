"""Working on a review: who may, who does, and what they decide.

A claim keeps two people from doing the same work; it is no part of the saga. Which role decides is:
whoever reassigns a review tells the saga so. All of it happens under the lock of the saga, once
however often it is asked for, and leaves an audit row.
"""

from typing import Any, NamedTuple

from sqlalchemy import bindparam, select, update

from contracts.messages.values import SagaId
from contracts.runtime.problems import Problem
from contracts.runtime.session import BatchSession
from contracts.runtime.tokens import Caller, Role
from orchestrator.core.reviewing import barred_from
from orchestrator.core.state import Chosen, Reassigned
from orchestrator.shell import audit, runner, store
from orchestrator.shell.audit import Deed
from orchestrator.shell.store import REVIEWS, Loaded


class Open(NamedTuple):
    """An open review that the caller may decide by their role, with its saga, locked."""

    session: BatchSession
    caller: Caller
    saga: Loaded
    row: Any

    def claimed_by(self, person: str | None) -> dict[str, Any]:
        """From now on this person works on it, or nobody; the review as it is shown then."""
        at = store.now(self.session) if person else None
        now = {"review": self.row.id, "person": person, "at": at}
        return shown(self.session.execute(_CLAIMED, now).one())

    def write_down(self, action: str, detail: str = "", reason: str = "") -> None:
        """Leave an audit row."""
        deed = Deed(action=action, about=self.row.id, detail=detail, reason=reason)
        audit.write(self.session, self.caller, deed, self.saga)

    def let_work(self, person: str) -> None:
        """Refuse a person who must not decide it, because another has to."""
        review = self.saga.state.review
        if review and (barred := barred_from(review, person)):
            raise Problem(403, "second-person", "A second person has to decide this", barred)

    def let_through(self) -> None:
        """Refuse the caller while somebody else works on it."""
        by, since = self.row.claimed_by, self.row.claimed_at
        if by not in (None, self.caller.subject):
            at = since.isoformat(timespec="seconds")
            detail = f"{by} has claimed it, at {at}. Take it over, and say why."
            said = {"claimed_by": by, "claimed_at": at}
            raise Problem(409, "claimed", "Somebody works on it", detail, **said)


def claim(
    session: BatchSession, review_id: str, caller: Caller, *, take_over: bool, reason: str
) -> dict[str, Any]:
    """The caller works on it."""
    review = _open(session, review_id, caller)
    review.let_work(caller.subject)
    before = review.row.claimed_by
    if before == caller.subject:
        return shown(review.row)
    if not take_over:
        review.let_through()
    now = review.claimed_by(caller.subject)
    review.write_down(
        "take over" if before else "claim", f"from {before}" if before else "", reason
    )
    return now


def release(session: BatchSession, review_id: str, caller: Caller) -> dict[str, Any]:
    """Nobody works on it any more."""
    review = _open(session, review_id, caller)
    if review.row.claimed_by is None:
        return shown(review.row)
    review.let_through()
    now = review.claimed_by(None)
    review.write_down("release")
    return now


def reassign(
    session: BatchSession,
    review_id: str,
    caller: Caller,
    *,
    to_role: str | None,
    to_person: str | None,
    reason: str,
) -> dict[str, Any]:
    """Another role is asked, and whoever of it comes first works on it; or this person does."""
    review = _open(session, review_id, caller)
    if to_person:
        review.let_work(to_person)
    if (to_role or review.row.owner, to_person) == (review.row.owner, review.row.claimed_by):
        return shown(review.row)
    if to_role and to_role != review.row.owner:
        said = {"review_id": review_id, "owner": to_role, "by": caller.subject, "reason": reason}
        runner.tell(session, review.saga, Reassigned, **said)
    now = review.claimed_by(to_person)
    review.write_down("reassign", f"to {to_role or to_person}", reason)
    return now


def decide(
    session: BatchSession, review_id: str, caller: Caller, *, choice: str, reason: str
) -> dict[str, Any]:
    """The saga goes on as the caller chose."""
    review = _open(session, review_id, caller)
    review.let_through()
    review.let_work(caller.subject)
    said = {"review_id": review_id, "choice": choice, "by": caller.subject, "reason": reason}
    decision = runner.tell(session, review.saga, Chosen, **said)
    if decision.ignored is not None:
        raise _moved_on(decision.ignored)
    review.write_down("decide", choice, reason)
    return {"saga_id": review.saga.state.id, "notes": list(decision.notes)}


def shown(row: Any) -> dict[str, Any]:
    """A review as it is shown."""
    return {
        "id": row.id,
        "saga_id": row.saga_id,
        "order_id": row.subject,
        "step": row.step,
        "question": row.question,
        "owner": row.owner,
        "not_by": row.not_by,
        "claimed_by": row.claimed_by,
        "claimed_at": row.claimed_at,
        "since": row.opened_at,
        "until": row.until,
        "choices": row.choices,
        "then": row.otherwise,
    }


def _open(session: BatchSession, review_id: str, caller: Caller) -> Open:
    known = session.scalar(select(REVIEWS.c.saga_id).where(REVIEWS.c.id == review_id))
    saga = runner.found(session, SagaId(known)) if known else None
    if saga is None:
        raise Problem(404, "not-found", "There is no such review")
    return opened(session, review_id, caller, saga)


def opened(
    session: BatchSession, review_id: str, caller: Caller, saga: Loaded, *others: Role
) -> Open:
    """The review of this saga, which is locked; refused when it is closed, or when it is decided
    by another role than the caller's (or `others`)."""
    row = session.execute(_LOCKED, {"review": review_id}).one()
    if not caller.may(row.owner, *others):
        roles = " or ".join(dict.fromkeys((row.owner, *others)))
        raise Problem(403, "forbidden", "Not with this role", f"{roles} decides this.")
    if row.closed_at is not None:
        raise _moved_on("that review is not open")
    return Open(session, caller, saga, row)


def _moved_on(because: str) -> Problem:
    return Problem(409, "moved-on", "It was not applied", because)


_LOCKED = select(REVIEWS).where(REVIEWS.c.id == bindparam("review")).with_for_update()
_CLAIMED = (
    update(REVIEWS)  # type: ignore[arg-type]
    .where(REVIEWS.c.id == bindparam("review"))
    .values(claimed_by=bindparam("person"), claimed_at=bindparam("at"))
    .returning(REVIEWS)
)
