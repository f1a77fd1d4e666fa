"""One event: what it says, who heard it, what caused it and what it caused."""

from fastapi import APIRouter, Response

from deploy.console.api import joined
from deploy.console.visit import Guest


def routes(router: APIRouter) -> None:
    """The page of one event."""

    @router.get("/events/{event_id}")
    async def event(guest: Guest, event_id: str) -> Response:
        """An event with its envelope, its deliveries and its causes."""
        said = guest.needed(await guest.api.get(joined("events", event_id)))
        return guest.page("event", event=said)
