"""The simulators over HTTP of the platform: what was really done outside, and switches for faults.

Only where `CONCERTO_SIMULATORS` names some, as the embedded stack does.
"""

import asyncio
import ssl
from functools import cache
from typing import Annotated, Any
from uuid import UUID

import httpx2
from fastapi import APIRouter, Depends

from contracts.runtime.access import Caller, allow
from contracts.runtime.problems import Problem
from contracts.runtime.settings import Settings

LATEST = 20
PATIENCE_SECONDS = 2.0
Staff = Annotated[Caller, Depends(allow("support", "risk", "operator"))]
Operator = Annotated[Caller, Depends(allow("operator"))]


def routes(config: Settings) -> APIRouter:
    """The routes of the simulators that these settings name."""
    router = APIRouter(tags=["simulators"])
    known = dict(pair.split("=", 1) for pair in config.simulators.split(",") if "=" in pair)

    @router.get("/simulators")
    async def simulators(caller: Staff) -> list[dict[str, Any]]:
        """Each simulator: its switches, how many records it has, and the latest of them."""
        if not known:
            raise Problem(404, "no-simulators", "There are no simulators here")
        return list(await asyncio.gather(*(_shown(*pair) for pair in known.items())))

    @router.get("/simulators/{name}/records")
    async def records(name: str, about: UUID, caller: Staff) -> list[dict[str, Any]]:
        """What a simulator has on record about an order, oldest first."""
        found: list[dict[str, Any]] = await _asked(
            "GET", _of(known, name), f"/records?about={about}"
        )
        return found

    @router.put("/simulators/{name}/faults")
    async def switch(name: str, faults: dict[str, Any], caller: Operator) -> dict[str, Any]:
        """Set switches of a simulator; all as they are then."""
        now: dict[str, Any] = await _asked("PUT", _of(known, name), "/faults", faults)
        return now

    return router


def _of(known: dict[str, str], name: str) -> str:
    if name not in known:
        there = f"There are {', '.join(known)}." if known else "There are none here."
        raise Problem(404, "not-found", "There is no such simulator", there)
    return known[name]


async def _shown(name: str, url: str) -> dict[str, Any]:
    asked = (_asked("GET", url, path) for path in ("/health", "/faults", f"/records?last={LATEST}"))
    try:
        health, faults, latest = await asyncio.gather(*asked)
    except Problem:
        return {"name": name, "url": url, "ready": False, "faults": {}, "count": 0, "latest": []}
    whole = {"faults": faults, "count": health["records"], "latest": latest}
    return {"name": name, "url": url, "ready": True, **whole}


@cache
def _trusted() -> ssl.SSLContext:
    """Whom to trust, read once: a client that reads it by itself takes longer than its call."""
    return ssl.create_default_context()


async def _asked(method: str, url: str, path: str, body: Any = None) -> Any:
    """What a simulator answers; its refusal as ours."""
    try:
        async with httpx2.AsyncClient(timeout=PATIENCE_SECONDS, verify=_trusted()) as client:
            answer = await client.request(method, url + path, json=body)
    except httpx2.HTTPError as error:
        said = f"{type(error).__name__}: is it up?"
        raise Problem(503, "away", "The simulator does not answer", said) from error
    if answer.status_code >= 400:
        raise Problem(422, "invalid", "The simulator refused", answer.json().get("error", ""))
    return answer.json()
