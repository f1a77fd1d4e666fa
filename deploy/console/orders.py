"""Finding orders: by any id, or by how they stand."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from contracts.runtime.problems import Problem
from deploy.console.api import joined, path_of
from deploy.console.session import HOME
from deploy.console.visit import Guest

# Where each kind of thing that has an id is shown.
PLACES = {
    "order": f"{HOME}/orders/{{order_id}}",
    "saga": f"{HOME}/orders/{{saga_id}}",
    "command": f"{HOME}/orders/{{saga_id}}?tab=messages",
    "review": f"{HOME}/orders/{{saga_id}}",
    "event": f"{HOME}/events/{{id}}",
}


class Filters(BaseModel):
    """Which orders to show; as text, for a form leaves empty what is not chosen."""

    saga: str = ""
    status: str = ""
    step: str = ""
    failure: str = ""
    waiting_longer_than: str = ""
    retrying: str = ""
    paused: str = ""
    q: str = ""
    cursor: str = ""

    @property
    def chosen(self) -> dict[str, Any]:
        """What is chosen."""
        return {name: value for name, value in self.model_dump().items() if value}


def routes(router: APIRouter) -> None:
    """The pages that find orders."""

    @router.get("/orders")
    async def orders(guest: Guest, filters: Annotated[Filters, Depends()]) -> Response:
        """Orders, newest first, by how they stand."""
        told = await guest.api.all(
            sagas=path_of("/sagas", **{"limit": 100} | filters.chosen), process="/process"
        )
        return guest.page("orders", filters=filters, **told)

    @router.get("/find")
    async def find(guest: Guest, id: str = "") -> Response:  # noqa: A002  # as the form has it
        """Whatever has this id."""
        if not id.strip():
            return guest.sent_to(f"{HOME}/orders")
        told = await guest.api.get(joined("ids", id.strip()))
        if not told.ok:
            raise Problem(404, "not-found", "Nothing has this id", told.detail)
        place = PLACES[told.said["kind"]]
        return guest.sent_to(place.format_map(told.said))
