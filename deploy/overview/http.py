"""The routes of the overview: one order whole, what fails, how all stands now, and the process."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from sqlalchemy import select

from contracts.runtime.access import Caller, allow
from contracts.runtime.database import Database
from contracts.runtime.problems import Problem
from deploy.everywhere import Everywhere
from deploy.overview import flow
from deploy.overview.causes import caused_by, tree
from deploy.overview.expected import expected
from deploy.overview.failures import failures
from deploy.overview.messages import messages
from deploy.overview.now import Firing, Now, live
from deploy.overview.observed import observed
from deploy.overview.order import Order, events_about, order
from deploy.overview.process import counts, latest, process, subscribers
from deploy.overview.timeline import timeline
from orchestrator.core.picture import svg
from orchestrator.shell import runner, store
from orchestrator.shell.store import SAGAS
from side_effects.trail.http import delivered, shown
from side_effects.trail.tables import EventRow

Staff = Annotated[Caller, Depends(allow("support", "risk", "operator"))]
Since = Annotated[float, Query(gt=0, le=366 * 86400)]
DAY_SECONDS = 86400.0


class Picture(Response):
    """An SVG."""

    media_type = "image/svg+xml"


def routes(
    orchestrator: Database, trail: Database, everywhere: Everywhere, firing: Firing
) -> APIRouter:
    """The routes; `firing` says which alerts are set off by what stands in `/now`."""
    router = APIRouter()
    _orders(router, orchestrator, trail)
    _events(router, orchestrator, trail)
    _platform(router, Now(orchestrator, trail, everywhere, firing))
    _failures(router, orchestrator, trail, everywhere)
    _process(router, orchestrator, trail)
    return router


def _orders(router: APIRouter, orchestrator: Database, trail: Database) -> None:
    def found(identifier: UUID) -> Order:
        whole = order(orchestrator, trail, str(identifier))
        if whole is None:
            raise Problem(404, "not-found", "There is no such order or saga")
        return whole

    @router.get("/sagas/{identifier}/timeline", tags=["sagas"])
    def told(identifier: UUID, caller: Staff) -> dict[str, Any]:
        """What happened to an order, by its id or that of a saga of it, in both halves: commands
        with their results, events with their deliveries, what people did, what is missing."""
        return timeline(found(identifier))

    @router.get("/sagas/{identifier}/messages", tags=["sagas"])
    def sent(identifier: UUID, caller: Staff) -> list[dict[str, Any]]:
        """Which commands were sent for an order, how often again, and what came back."""
        return messages(found(identifier))

    @router.get("/sagas/{identifier}/expected", tags=["sagas"])
    def awaited(identifier: UUID, caller: Staff) -> list[dict[str, Any]]:
        """Which events should have followed from what is known of an order, seen or not."""
        return expected(found(identifier))


def _events(router: APIRouter, orchestrator: Database, trail: Database) -> None:
    @router.get("/events/{event_id}", tags=["events"])
    def event(event_id: UUID, caller: Staff) -> dict[str, Any]:
        """One event with its envelope, its deliveries, what caused it and what it caused."""
        with trail.transaction() as session:
            row = session.get(EventRow, str(event_id))
            if row is None:
                raise Problem(404, "not-found", "There is no such event")
            deliveries = delivered(session, [row.id])[row.id]
            events = events_about(session, row.subject)
        about = order(orchestrator, trail, row.saga or row.subject) if _is_id(row) else None
        whole = tree(about, row, events)
        return {
            **shown(row),
            "envelope": row.envelope,
            "deliveries": deliveries,
            "caused_by": caused_by(whole, row.id),
            "tree": whole,
        }


def _is_id(row: EventRow) -> bool:
    """Whether the event may be about an order: a subject may also be a customer, by any name."""
    try:
        UUID(row.saga or row.subject)
    except ValueError:
        return False
    return True


def _platform(router: APIRouter, now: Now) -> None:
    @router.get("/now", tags=["overview"])
    def stands(caller: Staff) -> dict[str, Any]:
        """How the platform stands at this moment: sagas by step, what came of those of the last
        hour, room, reviews, consumers, what could not be handled or sent, and alerts."""
        return now.read()


def _failures(
    router: APIRouter, orchestrator: Database, trail: Database, everywhere: Everywhere
) -> None:
    @router.get("/failures", tags=["overview"])
    def failed(caller: Staff, since_seconds: Since = DAY_SECONDS) -> list[dict[str, Any]]:
        """What failed or was tried in vain since then, grouped by service, place and error."""
        return failures(orchestrator, trail, everywhere, timedelta(seconds=since_seconds))


def _process(router: APIRouter, orchestrator: Database, trail: Database) -> None:
    @router.get("/process", tags=["overview"])
    def definitions(caller: Staff) -> dict[str, Any]:
        """Every saga's steps with command, owner, times and undo; who hears and does what."""
        return process(live(orchestrator))

    @router.get("/process/observed", tags=["overview"])
    def edges(caller: Staff) -> dict[str, Any]:
        """Who lately sent which command or event to whom, and how often."""
        return {"edges": observed(orchestrator, trail)}

    @router.get("/process/observed.svg", tags=["overview"], response_class=Picture)
    def drawn(caller: Staff) -> Picture:
        """The same as a picture."""
        return Picture(flow.svg(observed(orchestrator, trail)))

    @router.get("/process/{saga}.svg", tags=["overview"], response_class=Picture)
    def picture(saga: str, caller: Staff, saga_id: UUID | None = None) -> Picture:
        """A saga as a picture: with how many stand at each step, or where one of them stands."""
        if saga not in latest():
            known = ", ".join(latest())
            raise Problem(404, "not-found", "There is no such process", f"There is {known}.")
        if saga_id is None:
            now = counts(live(orchestrator), saga)
            return Picture(svg(latest()[saga], live=now, subscribers=subscribers()))
        wanted = select(SAGAS).where(SAGAS.c.id == str(saga_id), SAGAS.c.name == saga)
        row = next(iter(orchestrator.read(wanted)), None)
        if row is None:
            raise Problem(404, "not-found", f"There is no such {saga}")
        one = store.loaded(row, runner.definition)
        definition = runner.definition(row.name, row.definition)
        return Picture(svg(definition, one.state, subscribers=subscribers()))
