"""How each service stands: what it handles, where its state lives, whether it is paused, what
waits in it."""

from collections.abc import Container
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Row

from contracts.delivery.pause import STANDING
from contracts.messages.base import Command
from contracts.messages.catalogue import type_of
from deploy.everywhere import Everywhere
from deploy.levels import waiting
from deploy.services import Known, services
from orchestrator.http.reviews import Staff


def routes(everywhere: Everywhere) -> APIRouter:
    """The list of services."""
    router = APIRouter(tags=["services"])

    @router.get("/services")
    def listed(caller: Staff) -> list[dict[str, Any]]:
        """Every service: what it does, and how it stands."""
        now = dict(everywhere.each(waiting))
        return [{**described(known), **_stands(now[known.name])} for known in services()]

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


def _stands(row: Row[Any]) -> dict[str, Any]:
    """The pause, if there is one; messages that are kept to be handled later; calls outside that
    are to be made; dead letters; and the oldest of them."""
    told = ("paused", "waiting", "waiting_oldest", "intents", "intents_oldest", "dead")
    return {name: row._mapping[name] for name in told}
