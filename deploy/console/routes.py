"""Every page of the console under `/console`, its stylesheet and its script."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Response
from fastapi.staticfiles import StaticFiles

from contracts.runtime.problems import Problem
from deploy.console import (
    acting,
    attention,
    bulk,
    consumers,
    events,
    login,
    now,
    order,
    orders,
    process,
    reports,
    simulators,
)
from deploy.console.api import client_of
from deploy.console.session import HOME
from deploy.console.visit import HEADERS, Guest, Page

STATIC = Path(__file__).parent / "static"
PAGES = (
    *(login, now, orders, order, attention, events, consumers),
    *(process, reports, simulators, acting, bulk),
)
# Let in without a session: what signs in, and what its page looks like.
OPEN = (f"{HOME}/login",)


class Static(StaticFiles):
    """Files with an ETag, asked about each time and sent again only when they changed."""

    def file_response(self, *given: Any, **named: Any) -> Response:
        """A file, or that it is as it was."""
        response = super().file_response(*given, **named)
        response.headers.update({**HEADERS, "Cache-Control": "no-cache"})
        return response


def install(edge: FastAPI) -> None:
    """Put the console onto the app that it asks."""
    edge.state.console = client_of(edge)
    edge.mount(f"{HOME}/static", Static(directory=STATIC), "static")
    router = APIRouter(prefix=HOME, route_class=Page, include_in_schema=False)
    for page in PAGES:
        page.routes(router)

    @router.get("/{path:path}")
    async def nothing(path: str, guest: Guest) -> Response:
        """There is no such page."""
        raise Problem(404, "not-found", "There is no such page", "The menu has all there are.")

    edge.include_router(router)
