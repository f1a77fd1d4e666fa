"""The start page: what is wrong, what waits for whom, and how full it is; and what has failed."""

from fastapi import APIRouter, Response

from deploy.console.visit import Guest

DAY = 86400


def routes(router: APIRouter) -> None:
    """The pages that say how all of it stands."""

    @router.get("")
    async def now(guest: Guest) -> Response:
        """How the platform stands now."""
        return guest.page("now", now=await guest.api.get("/now"))

    @router.get("/failures")
    async def failures(guest: Guest, since_seconds: int = DAY) -> Response:
        """What fails, grouped by where and with what."""
        told = await guest.api.get("/failures", since_seconds=since_seconds)
        return guest.page("failures", failures=told, since_seconds=since_seconds)
