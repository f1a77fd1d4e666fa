"""Endpoints of shops over HTTP: register, look at, enable again, remove, and what each was told."""

import base64
import secrets
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import delete, func, select, update

from contracts.messages.values import stamped
from contracts.runtime.access import Caller, allow
from contracts.runtime.database import Database
from contracts.runtime.problems import Problem
from contracts.runtime.session import BatchSession
from contracts.runtime.settings import settings
from side_effects.webhooks.address import refusal
from side_effects.webhooks.due import WAITING
from side_effects.webhooks.events import EVENTS
from side_effects.webhooks.tables import Delivery, Endpoint

ENDPOINTS_MOST = 50
SECRET_BYTES = 24
SHOWN = ("id", "url", "events", "enabled", "failing_since", "disabled_at", "disabled_because")
TOLD = ("event_id", "kind", "state", "attempts", "last_status", "last_error", "at", "due_at")
Keeper = Annotated[Caller, Depends(allow("shop", "operator"))]
Limit = Annotated[int, Query(ge=1, le=500)]


class EndpointBody(BaseModel):
    """Where to post, and which events; without a list, all that there are."""

    model_config = ConfigDict(extra="forbid")
    url: str = Field(max_length=500, pattern=r"^https?://[\x21-\x7e]+$")
    events: list[str] = Field(default_factory=lambda: list(EVENTS), min_length=1, max_length=50)

    @field_validator("events")
    @classmethod
    def known(cls, events: list[str]) -> list[str]:
        """Only events that there are, each once."""
        if unknown := set(events) - set(EVENTS):
            there = ", ".join(EVENTS)
            raise ValueError(f"no event {', '.join(sorted(unknown))}; there are {there}")
        return sorted(set(events))


def routes(db: Database) -> APIRouter:
    """The routes of webhooks."""
    router = APIRouter(tags=["webhooks"])
    _keeping(router, db)
    _looking(router, db)
    return router


def _keeping(router: APIRouter, db: Database) -> None:
    @router.post("/webhook-endpoints", status_code=201)
    def register(body: EndpointBody, caller: Keeper) -> dict[str, Any]:
        """Register an endpoint; its secret is shown now and never again."""
        if why := refusal(body.url, settings()):
            raise Problem(422, "not-allowed", "No webhook may go there", why)
        with db.transaction() as session:
            endpoint = _registered(session, body)
            return {**_shown(endpoint), "secret": endpoint.secret}

    @router.post("/webhook-endpoints/{endpoint_id}/enable")
    def enable(endpoint_id: UUID, caller: Keeper) -> dict[str, Any]:
        """Tell it again; what waits for it is due now, what was given up stays so."""
        with db.transaction() as session:
            _due_now(session, str(endpoint_id))
            endpoint = _endpoint(session, endpoint_id)
            endpoint.enabled, endpoint.disabled_because = True, ""
            endpoint.failing_since = endpoint.disabled_at = None
            return _shown(endpoint)

    @router.delete("/webhook-endpoints/{endpoint_id}", status_code=204)
    def remove(endpoint_id: UUID, caller: Keeper) -> None:
        """Remove it, and what is known of its deliveries."""
        with db.transaction() as session:
            session.execute(delete(Delivery).where(Delivery.endpoint_id == str(endpoint_id)))
            _endpoint(session, endpoint_id)
            session.execute(delete(Endpoint).where(Endpoint.id == str(endpoint_id)))


def _looking(router: APIRouter, db: Database) -> None:
    @router.get("/webhook-endpoints")
    def endpoints(caller: Keeper) -> dict[str, Any]:
        """Every endpoint, and the events there are."""
        with db.transaction() as session:
            found = session.scalars(select(Endpoint).order_by(Endpoint.id))
            return {"endpoints": [_shown(row) for row in found], "events": list(EVENTS)}

    @router.get("/webhook-endpoints/{endpoint_id}/deliveries")
    def deliveries(
        endpoint_id: UUID, caller: Keeper, cursor: UUID | None = None, limit: Limit = 100
    ) -> dict[str, Any]:
        """What it was told, the newest orders first, by cursor."""
        found = select(Delivery).where(Delivery.endpoint_id == str(endpoint_id))
        if cursor:
            found = found.where(Delivery.event_id < str(cursor))
        with db.transaction() as session:
            if session.get(Endpoint, str(endpoint_id)) is None:
                raise _unknown()
            rows = list(session.scalars(found.order_by(Delivery.event_id.desc()).limit(limit)))
        return {
            "deliveries": [{name: getattr(row, name) for name in TOLD} for row in rows],
            "next": rows[-1].event_id if len(rows) == limit else None,
        }


def _registered(session: BatchSession, body: EndpointBody) -> Endpoint:
    if session.scalar(select(func.count()).select_from(Endpoint)) >= ENDPOINTS_MOST:
        title = "There are too many endpoints"
        raise Problem(409, "too-many", title, f"Remove one: there may be {ENDPOINTS_MOST}.")
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    endpoint = Endpoint(
        id=stamped(datetime.now(UTC), "endpoint", secret),
        url=body.url,
        secret=secret,
        events=body.events,
        enabled=True,
        failing_since=None,
        disabled_at=None,
        disabled_because="",
    )
    session.add(endpoint)
    return endpoint


def _due_now(session: BatchSession, endpoint_id: str) -> None:
    waiting = (Delivery.endpoint_id == endpoint_id) & (Delivery.state == WAITING)
    session.execute(update(Delivery).where(waiting).values(due_at=func.now()))


def _endpoint(session: BatchSession, endpoint_id: UUID) -> Endpoint:
    session.load(Endpoint, {str(endpoint_id)})
    found: Endpoint | None = session.get(Endpoint, str(endpoint_id))
    if found is None:
        raise _unknown()
    return found


def _unknown() -> Problem:
    return Problem(404, "not-found", "There is no such endpoint")


def _shown(endpoint: Endpoint) -> dict[str, Any]:
    return {name: getattr(endpoint, name) for name in SHOWN}
