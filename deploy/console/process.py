"""The whole process as it is defined, and as it was observed."""

import asyncio

from fastapi import APIRouter, Response
from markupsafe import Markup

from deploy.console.api import joined
from deploy.console.visit import Guest


def routes(router: APIRouter) -> None:
    """The page of the process."""

    @router.get("/process")
    async def process(guest: Guest, saga: str = "order") -> Response:
        """Every saga with its steps, one of them drawn; who subscribes; who really called whom."""
        api = guest.api
        told, drawn, observed, graph = await asyncio.gather(
            api.get("/process"),
            api.get(joined("process", f"{saga}.svg")),
            api.get("/process/observed"),
            api.get("/process/observed.svg"),
        )
        return guest.page(
            "process",
            process=told,
            chosen=saga,
            drawn=drawn,
            svg=Markup(drawn.said) if drawn.ok else "",
            observed=observed,
            graph=Markup(graph.said) if graph.ok else "",
        )
