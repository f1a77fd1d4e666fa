"""One saga as JSON: where it and its steps stand, what comes next, and what a person may do."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from contracts.messages.values import SagaId, saga_id_of
from contracts.runtime.access import Caller
from contracts.runtime.problems import Problem
from contracts.runtime.session import BatchSession
from orchestrator.core import outlook, tell
from orchestrator.core.definition import Saga, Step, command_of
from orchestrator.core.outlook import Possible
from orchestrator.core.state import Review, State
from orchestrator.core.waiting import coming
from orchestrator.shell import runner, store
from orchestrator.shell.store import REVIEWS

REVIEWED = ("retry", "continue", "undo")


def detail(session: BatchSession, row: Any, caller: Caller) -> dict[str, Any]:
    """A saga: its row's facts, every step's state and outlook, and what the caller may do."""
    definition, at = runner.definition(row.name, row.definition), store.now(session)
    state = store.loaded(row, runner.definition).state
    actions = [_action(one) for one in possible(session, definition, state, caller, at)]
    steps = zip(row.state["steps"], range(len(definition.flat)), strict=True)
    return {
        **brief(row),
        "heading": row.state["heading"],
        "deadline": row.state["deadline"],
        "paused": row.state.get("paused"),
        "why": tell.why(definition, state, at),
        "steps": [{**kept, **_outlook(definition, state, place)} for kept, place in steps],
        "review": row.state["review"],
        "actions": actions,
        "allowed_actions": list(dict.fromkeys(a["action"] for a in actions if a["allowed"])),
    }


def brief(row: Any) -> dict[str, Any]:
    """A saga as it stands in a list."""
    return {
        "id": row.id,
        "saga": row.name,
        "definition": row.definition,
        "version": row.version,
        "order_id": row.subject,
        "parent": row.parent,
        "status": row.status,
        "step": row.step,
        "step_since": _since(row),
        "waiting_for": _waiting_for(row),
        "failure": row.failure,
        "paused": row.paused,
        "retrying": row.retrying,
        "started_at": row.started_at,
        "changed_at": row.changed_at,
        "next_at": row.state["wake_at"],
    }


def ids_of(identifier: str) -> list[SagaId]:
    """The saga's own id, or that of the order it is about, as ids of sagas."""
    try:
        wanted = str(UUID(identifier))
    except ValueError:
        detail = f"{identifier!r} is no id."
        raise Problem(404, "not-found", "There is no such saga", detail) from None
    return [SagaId(wanted), saga_id_of(wanted)]


def possible(
    session: BatchSession, definition: Saga, state: State, caller: Caller, at: datetime
) -> Iterator[Possible]:
    """Whatever could be done with the saga, and why not by this caller. What is about the open
    review is for whoever is asked, too, unless somebody else has claimed it."""
    asked = state.review
    outside = "" if caller.may("operator") else "this takes operator"
    barred = _barred(session, asked, caller) if asked else ""
    for one in outlook.possible(definition, state, caller.subject, at):
        about = asked and one.action in REVIEWED and one.step == asked.step
        yield one._replace(because=one.because or (barred if about else outside))


def _barred(session: BatchSession, asked: Review, caller: Caller) -> str:
    """Why the caller does not decide the open review."""
    if not caller.may(asked.owner, "operator"):  # type: ignore[arg-type]  # a role
        return f"this takes {' or '.join(dict.fromkeys((asked.owner, 'operator')))}"
    who = session.scalar(select(REVIEWS.c.claimed_by).where(REVIEWS.c.id == asked.id))
    return f"{who} has claimed its review" if who not in (None, caller.subject) else ""


def _action(one: Possible) -> dict[str, Any]:
    return {**one._asdict(), "allowed": not one.because}


def _outlook(saga: Saga, state: State, place: int) -> dict[str, Any]:
    """What the definition and the state say about one step."""
    step, now = saga.flat[place], state.steps[place]
    comes = now.due_at is not None and not state.paused
    return {
        "attempts": step.attempts,
        "command": command_of(step.do).wire_name(),
        "owner": command_of(step.do).to,
        "undo_command": step.undo and command_of(step.undo).wire_name(),
        "within_seconds": step.within.total_seconds(),
        "standing": tell.standing(now),
        "tried": tell.tried(step, now),
        "next": tell.NEXT[coming(step, now)] if comes else "",
        "if_fails": outlook.if_fails(saga, state, place),
        "optional": step.when is not None,
        "pivot": step.pivot,
    }


def _since(row: Any) -> Any:
    """Since when it waits where it is: since its review was opened, or its command last sent."""
    if review := row.state["review"]:
        return review["opened_at"]
    at = _step_of(row)
    return (at and at[1].get("sent_at")) or row.changed_at


def _waiting_for(row: Any) -> str:
    """The service that is to answer, or the role that is to decide."""
    if review := row.state["review"]:
        return str(review["owner"])
    if not (at := _step_of(row)):
        return ""
    step, kept = at
    query = step.query.command if step.query else step.do
    makes = {"undo": step.undo or step.do, "query": query}
    return command_of(makes.get(kept.get("kind", "do"), step.do)).to


def _step_of(row: Any) -> tuple[Step, dict[str, Any]] | None:
    """The step it is at, as defined and as kept."""
    definition = runner.definition(row.name, row.definition)
    place = definition.place.get(row.step)
    return None if place is None else (definition.flat[place], row.state["steps"][place])
