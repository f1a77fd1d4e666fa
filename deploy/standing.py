"""How each service stands: what it handles, where its state lives, whether it is paused, what
waits in it."""

from collections.abc import Container
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Select, func, select

from contracts.delivery.pause import STANDING, STANDING_JSON
from contracts.delivery.tables import attempts, dead_letters, intents
from contracts.messages.base import Command
from contracts.messages.catalogue import type_of
from deploy.everywhere import Everywhere
from deploy.services import Known, services
from orchestrator.http.reviews import Staff


def routes(everywhere: Everywhere) -> APIRouter:
    """The list of services."""
    router = APIRouter(tags=["services"])

    @router.get("/services")
    def listed(caller: Staff) -> list[dict[str, Any]]:
        """Every service: what it does, and how it stands."""
        now = {name: dict(row._mapping) for name, (row,) in everywhere.ask(_WAITING)}
        return [{**described(known), **now[known.name]} for known in services()]

    return router


def described(known: Known) -> dict[str, Any]:
    """What a service is, as its code declares it."""
    service = known.load()
    return {
        "name": known.name,
        "kind": known.kind,
        "handles": sorted(type_of(m) for m in service.handled if issubclass(m, Command)),
        "subscribes": sorted(map(type_of, service.subscriptions())),
        "schema": known.name,
        "tables": [table.name for table in known.tables().sorted_tables],
        "retries": service.retries.as_json(),
    }


def paused(everywhere: Everywhere, names: Container[str]) -> dict[str, dict[str, Any]]:
    """Those of the named services that are paused now, by name."""
    found = everywhere.ask(STANDING, of=names)
    return {name: dict(row._mapping) for name, rows in found for row in rows}


def _waiting() -> Select[Any]:
    """The pause; how many messages are put aside, to be tried again; intents that are to be
    performed; dead letters; and the oldest of them."""
    kept = attempts.c.envelope.isnot(None) & attempts.c.due_at.isnot(None)
    pending = intents.c.state == "pending"
    parts: dict[str, Select[Any]] = {
        "paused": STANDING_JSON,
        "waiting": select(func.count()).select_from(attempts).where(kept),
        "waiting_oldest": select(func.min(attempts.c.at)).where(kept),
        "intents": select(func.count()).select_from(intents).where(pending),
        "intents_oldest": select(func.min(intents.c.at)).where(pending),
        "dead": select(func.count()).select_from(dead_letters),
    }
    return select(*(part.scalar_subquery().label(name) for name, part in parts.items()))


_WAITING = _waiting()
