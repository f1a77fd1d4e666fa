"""Acting on a saga: trying it now, deciding, undoing, cancelling, pausing and resuming it.

Whoever acts says why and which version of the saga they saw. Under its lock the version is
compared, the core decides, and what it decided is kept with an audit row, all in one transaction;
so whatever is clicked twice, or by two people, or while the saga wakes, is done once. What is
refused leaves its row too. A dry run asks the core the same and keeps nothing.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import select

from contracts.delivery.due import Host
from contracts.runtime.problems import Problem
from contracts.runtime.session import BatchSession
from contracts.runtime.tokens import Caller
from orchestrator.core.decision import Decision
from orchestrator.core.outlook import Action, Wish, wanted
from orchestrator.core.state import Chosen, Input
from orchestrator.http import working
from orchestrator.http.standing import ids_of
from orchestrator.shell import audit, runner, store
from orchestrator.shell.audit import Deed
from orchestrator.shell.store import Loaded
from orchestrator.shell.tables import JournalRow

JOURNAL = JournalRow.__table__
TOLD_MOST = 5


class Act(NamedTuple):
    """What a caller wants of which saga, having seen which version of it."""

    caller: Caller
    identifier: str
    action: Action
    step: str
    reason: str
    seen_version: int
    lasts: timedelta
    dry_run: bool


class Outcome(NamedTuple):
    """The saga (after the act, if it was no dry run) and what was, or would be, decided."""

    saga: Loaded
    decision: Decision


def act(host: Host, wish: Act) -> Outcome:
    """Do it once, or refuse it with the reason; either leaves one audit row."""
    try:
        return host.run(lambda session: _done(session, wish))
    except Problem as problem:
        because = problem.body.get("detail") or problem.body["title"]
        if problem.status != 404 and not wish.dry_run:
            host.run(lambda session: _refused(session, wish, because))
        raise


def _done(session: BatchSession, wish: Act) -> Outcome:
    saga = _found(session, wish)
    given = _input(session, saga, wish)
    decision = runner.judged(saga, given)
    if decision.ignored is not None:
        raise _not_now(decision.ignored)
    if not wish.dry_run:
        runner.take(session, saga, given)
        _write_down(session, wish, saga, detail=_about(given))
    return Outcome(saga, decision)


def _refused(session: BatchSession, wish: Act, because: str) -> None:
    _write_down(session, wish, _found(session, wish), detail=because, refused=True)


def _write_down(
    session: BatchSession, wish: Act, saga: Loaded, detail: str, refused: bool = False
) -> None:
    deed = Deed(
        action=wish.action, about=saga.state.id, detail=detail, reason=wish.reason, refused=refused
    )
    audit.write(session, wish.caller, deed, saga)


def _found(session: BatchSession, wish: Act) -> Loaded:
    """The saga, locked."""
    for saga in store.load(session, ids_of(wish.identifier), runner.definition):
        return saga
    raise Problem(404, "not-found", "There is no such saga")


def _input(session: BatchSession, saga: Loaded, wish: Act) -> Input:
    """What the saga is told, if the caller may say so and has seen how it stands."""
    by, at = wish.caller.subject, store.now(session)
    given = wanted(saga.state, Wish(wish.action, wish.step, by, wish.reason, at, wish.lasts))
    if isinstance(given, Chosen):
        decided = working.opened(session, given.review_id, wish.caller, saga, "operator")
        _let_through(session, saga, wish)
        decided.let_through()
        decided.let_work(by)
        return given
    if not wish.caller.may("operator"):
        raise Problem(403, "forbidden", "Not with this role", "This takes operator.")
    _let_through(session, saga, wish)
    if isinstance(given, str):
        raise _not_now(given)
    return given


def _let_through(session: BatchSession, saga: Loaded, wish: Act) -> None:
    """Refuse whoever saw another version of the saga."""
    version = saga.state.version
    if wish.seen_version == version:
        return
    since = f"It is at version {version}, and you saw {wish.seen_version}."
    told = "; ".join(_notes(session, saga, wish.seen_version))
    detail = f"{since} Since then: {told}." if told else since
    raise Problem(409, "moved-on", "It has moved on since you looked", detail, version=version)


def _notes(session: BatchSession, saga: Loaded, seen: int) -> Sequence[str]:
    """What happened since, the latest last."""
    since = select(JOURNAL.c.notes).where(JOURNAL.c.saga_id == saga.state.id)
    since = since.where(JOURNAL.c.version > seen).order_by(JOURNAL.c.version.desc())
    rows = session.scalars(since.limit(TOLD_MOST)).all()
    return [note for notes in reversed(rows) for note in notes]


def _not_now(because: str) -> Problem:
    return Problem(409, "not-now", "This cannot be done now", because)


def _about(given: Input) -> str:
    """What the audit says about an input besides who and why."""
    if isinstance(given, Chosen):
        return f"review {given.review_id}"
    until = getattr(given, "until", None)
    return f"until {until.isoformat(timespec='seconds')}" if until else getattr(given, "step", "")
