"""What stands outside the embedded stack: what was really done there, and switches for faults."""

import json
from typing import Any

from fastapi import APIRouter, Response

from contracts.runtime.problems import Problem
from deploy.console.acting import done
from deploy.console.api import joined
from deploy.console.session import HOME
from deploy.console.visit import Guest


def routes(router: APIRouter) -> None:
    """The page of the simulators."""

    @router.get("/simulators")
    async def simulators(guest: Guest) -> Response:
        """Each simulator with its switches and its latest records."""
        return guest.page("simulators", simulators=await guest.api.get("/simulators"))

    @router.post("/simulators/{name}")
    async def switch(guest: Guest, name: str) -> Response:
        """Set the switches of one simulator as the form says."""
        given = await guest.form()
        faults = {
            key.removeprefix("fault."): _value(values[-1])
            for key, values in given.items()
            if key.startswith("fault.")
        }
        told = await guest.api.put(joined("simulators", name, "faults"), faults)
        return done(guest, told, [f"{name} has these switches now."], f"{HOME}/simulators")


def _value(text: str) -> Any:
    """What a field says: JSON where it is some, else the text itself."""
    try:
        return json.loads(text) if text else ""
    except ValueError:
        return text
    except RecursionError:
        raise Problem(422, "invalid", "A switch is not that deep", "Name a value.") from None
