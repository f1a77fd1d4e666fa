"""What operators do to services and deliveries: pause, resume, replay, back-fill.

The effect stands in the schema of the service, its audit row in the orchestrator's. The row is
committed first, while the effect waits to be: after a crash in between, the deed is audited and
still seen not to be done, and whoever does it again leaves a second row. What is refused because
the world has moved on leaves a row that says so. A dry run does the same and takes it back.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field
from sqlalchemy import select

from contracts.delivery import pause as pauses
from contracts.runtime.crash import passing
from contracts.runtime.database import Database
from contracts.runtime.problems import Problem
from contracts.runtime.session import BatchSession
from contracts.runtime.tokens import Caller
from deploy import letters
from deploy.everywhere import Everywhere
from orchestrator.http.actions import Lines, each_by_itself
from orchestrator.http.reviews import Body, Operator, Reason, Staff
from orchestrator.shell import audit
from orchestrator.shell.audit import AUDIT, Deed
from side_effects.trail import filling

DryRun = Annotated[bool, Query(description="say what it would do, and do nothing")]
Name = Annotated[str, Field(max_length=100, pattern=r"^[^\x00]*$")]
Type = Annotated[Name, Query(alias="type")]
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 3600, 30 * 24 * 3600
LETTERS_MOST = 500
Effect = Callable[[BatchSession], dict[str, Any]]


class Why(Body):
    """Why it is done."""

    reason: Reason


class PauseBody(Why):
    """For how long, in seconds (not scaled: a person says so), and why."""

    for_seconds: float = Field(PAUSE_SECONDS, gt=0, le=LONGEST_PAUSE_SECONDS)


class ReplayBody(Body):
    """Why; and which service's, where several could not handle the same message."""

    reason: Annotated[str, Field(max_length=1000, pattern=r"^[^\x00]*$")] = ""
    service: Name = ""


class Letter(Body):
    """A dead letter; and which service's, where several could not handle the same message."""

    id: UUID
    service: Name = ""


class ReplayManyBody(Body):
    """Which dead letters, and why; or only what would come of it."""

    reason: Annotated[str, Field(max_length=1000, pattern=r"^[^\x00]*$")] = ""
    letters: list[Letter] = Field(min_length=1, max_length=LETTERS_MOST)
    dry_run: bool = False


class FillBody(Why):
    """Events of this type only (all it subscribed to), since this time only, and why."""

    event: Name = ""
    since: AwareDatetime | None = None


@dataclass(frozen=True)
class Acts:
    """Does what a caller wants with a service, and leaves a row about it."""

    orchestrator: Database
    databases: Mapping[str, Database]
    everywhere: Everywhere

    def do(
        self, service: str, caller: Caller, deed: Deed, effect: Effect, dry_run: bool
    ) -> dict[str, Any]:
        """What `effect` answers in a transaction of the service, and whether it was applied; a
        problem that it raises is a refusal."""
        try:
            with self.databases[service].transaction() as session:
                told = effect(session)
                if dry_run:
                    session.rollback()
                else:
                    self._write_down(caller, deed)
                    passing("audit-before-commit")
        except Problem as problem:
            if not dry_run:
                self.refuse(caller, deed, problem)
            raise
        return {**told, "applied": not dry_run}

    def refuse(self, caller: Caller, deed: Deed, problem: Problem) -> None:
        """Leave a row of what was refused, and why."""
        said = problem.body.get("detail", problem.body["title"])
        self._write_down(caller, replace(deed, detail=said, refused=True))

    def last(self, action: str, about: str) -> Any:
        """The audit row of the last time that this was done."""
        of = AUDIT.c
        mine = (of.action == action, of.about == about, ~of.refused)
        with self.orchestrator.transaction() as session:
            found = select(AUDIT).where(*mine).order_by(of.number.desc()).limit(1)
            return session.execute(found).one_or_none()

    def _write_down(self, caller: Caller, deed: Deed) -> None:
        with self.orchestrator.transaction() as session:
            audit.write(session, caller, deed)


def routes(
    orchestrator: Database, databases: Mapping[str, Database], everywhere: Everywhere
) -> APIRouter:
    """The routes by which operators act on services and deliveries."""
    router, acts = APIRouter(), Acts(orchestrator, databases, everywhere)
    for called in ("services", "consumers"):
        _pausing(router, acts, called)
    _filling(router, acts)
    _letters(router, acts)
    return router


def _pausing(router: APIRouter, acts: Acts, called: str) -> None:
    def known(name: str) -> str:
        if name not in acts.databases:
            raise Problem(404, "not-found", "There is no such service")
        return name

    @router.post(f"/{called}/{{name}}/pause", tags=["services"])
    def pause(
        name: str, body: PauseBody, caller: Operator, dry_run: DryRun = False
    ) -> dict[str, Any]:
        """Let a service keep what comes, and do nothing with it, for a while."""
        length = timedelta(seconds=body.for_seconds)
        about = f"for {body.for_seconds:g} s"
        deed = Deed(action="pause", about=known(name), detail=about, reason=body.reason)

        def effect(session: BatchSession) -> dict[str, Any]:
            made = pauses.pause(session, caller.subject, body.reason, length)
            if made is None:
                raise _paused_already(pauses.stands(session))
            return {"name": name, "paused": made.as_json()}

        return acts.do(name, caller, deed, effect, dry_run)

    @router.post(f"/{called}/{{name}}/resume", tags=["services"])
    def resume(name: str, body: Why, caller: Operator, dry_run: DryRun = False) -> dict[str, Any]:
        """Let a paused service go on, with what it kept first."""
        deed = Deed(action="resume", about=known(name), reason=body.reason)

        def effect(session: BatchSession) -> dict[str, Any]:
            if pauses.resume(session) is None:
                raise Problem(409, "moved-on", "It was not resumed", f"{name} is not paused.")
            return {"name": name, "paused": None, "waiting": letters.waiting(session)}

        return acts.do(name, caller, deed, effect, dry_run)


def _paused_already(pause: pauses.Pause | None) -> Problem:
    until = f" until {pause.until.isoformat(timespec='seconds')}" if pause else ""
    by = f"{pause.by} has paused it" if pause else "It is paused"
    return Problem(409, "moved-on", "It is paused already", f"{by}{until}. Resume it first.")


def _filling(router: APIRouter, acts: Acts) -> None:
    @router.post("/consumers/{name}/backfill", tags=["events"])
    def backfill(
        name: Name, body: FillBody, caller: Operator, dry_run: DryRun = False
    ) -> dict[str, Any]:
        """Deliver to a subscriber, through its own queue, the events that it never got."""
        trail = acts.databases["trail"]
        with trail.transaction() as session:
            kinds = filling.heard_by(session, name)
        if not kinds:
            raise Problem(404, "not-found", "There is no such subscriber")
        kinds = [kind for kind in kinds if body.event in ("", kind, kind.split(".")[1])]
        about = f"{body.event or 'all events'}{_since(body.since)}"
        deed = Deed(action="backfill", about=name, detail=about, reason=body.reason)

        def effect(session: BatchSession) -> dict[str, Any]:
            if not kinds:
                said = f"{name} does not subscribe to {body.event}."
                raise Problem(409, "not-now", "There is nothing to deliver", said)
            number = filling.missed(session, name, kinds, body.since)
            filling.open_again(session, name, kinds, body.since)
            return {"subscriber": name, "events": number}

        return acts.do("trail", caller, deed, effect, dry_run)


def _since(moment: datetime | None) -> str:
    return f" since {moment.isoformat()}" if moment else ""


def _letters(router: APIRouter, acts: Acts) -> None:
    @router.get("/dead-letters", tags=["dead letters"])
    def listed(
        caller: Staff, service: Name = "", subject: Name = "", kind: Type = ""
    ) -> dict[str, Any]:
        """What could not be handled and was not replayed since, newest first; of a service, about a
        subject, of a type."""
        of = (service,) if service else None
        return {"dead_letters": letters.newest(acts.everywhere, of, subject, kind)}

    @router.post("/dead-letters/{identifier}/replay", tags=["dead letters"])
    def replay(
        identifier: UUID, caller: Operator, body: ReplayBody | None = None, dry_run: DryRun = False
    ) -> dict[str, Any]:
        """Hand a dead letter to its service once more; to that one service only."""
        wanted = body or ReplayBody()
        letter = Letter(id=identifier, service=wanted.service)
        return _replayed(acts, caller, letter, wanted.reason, dry_run)

    @router.post("/dead-letters:replay", tags=["dead letters"], response_class=Lines)
    def replay_many(body: ReplayManyBody, caller: Operator) -> Lines:
        """Hand many over once more, each by itself; one JSON line for each, in the same order."""
        wish = (body.reason, body.dry_run)
        return Lines(
            each_by_itself(
                (str(letter.id), partial(_replayed, acts, caller, letter, *wish))
                for letter in body.letters
            )
        )


def _replayed(
    acts: Acts, caller: Caller, wanted: Letter, reason: str, dry_run: bool
) -> dict[str, Any]:
    """What was handed over to whom, once however often it is asked for."""
    letter = str(wanted.id)
    deed = Deed(action="replay", about=letter, reason=reason)
    service = _owner(acts, letter, wanted.service)
    if service is None:
        problem = _replayed_already(acts, letter)
        if not dry_run and problem.body["status"] == 409:
            acts.refuse(caller, deed, problem)
        raise problem

    def effect(session: BatchSession) -> dict[str, Any]:
        handed = letters.hand_over(session, letter)
        if handed is None:
            raise _replayed_already(acts, letter)
        return {"service": service, **handed}

    return acts.do(service, caller, replace(deed, detail=f"to {service}"), effect, dry_run)


def _owner(acts: Acts, letter: str, service: str) -> str | None:
    """The service whose dead letter it is; None when nobody has it."""
    found = [name for name in letters.owners(acts.everywhere, letter) if service in ("", name)]
    if len(found) > 1:
        said = f"{', '.join(found)} have it: name one as `service`."
        raise Problem(409, "several", "Several services could not handle it", said)
    return found[0] if found else None


def _replayed_already(acts: Acts, letter: str) -> Problem:
    last = acts.last("replay", letter)
    if last is None:
        return Problem(404, "not-found", "There is no such dead letter")
    said = f"{last.by} replayed it at {last.at.isoformat(timespec='seconds')}."
    return Problem(409, "moved-on", "It was replayed already", said)
