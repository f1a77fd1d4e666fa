"""What waits for a person, who works on it, and what people did."""

from fastapi import APIRouter, Response

from deploy.console.acting import done
from deploy.console.api import joined, path_of
from deploy.console.session import HOME
from deploy.console.visit import Guest


def routes(router: APIRouter) -> None:
    """The pages of people's work."""

    @router.get("/attention")
    async def attention(
        guest: Guest, role: str = "", mine: str = "", unclaimed: str = "", cursor: str = ""
    ) -> Response:
        """Open reviews, the oldest first."""
        chosen = {"role": role, "mine": mine, "unclaimed": unclaimed}
        told = await guest.api.get("/reviews", limit=100, cursor=cursor, **chosen)
        return guest.page("attention", reviews=told, chosen=chosen)

    @router.post("/reviews/{review}/{what}")
    async def work(guest: Guest, review: str, what: str) -> Response:
        """Claim a review, or let go of it: it changes nothing but who works on it."""
        given = await guest.form()
        doing = "claim" if what == "claim" else "release"
        told = await guest.api.post(joined("reviews", review, doing))
        to = given.get("to", [f"{HOME}/attention"])[0]
        said = "You work on it." if what == "claim" else "Others may work on it."
        return done(guest, told, [said], to)

    @router.get("/audit")
    async def audit(guest: Guest, before: str = "") -> Response:
        """What people did, the newest first."""
        told = await guest.api.get(path_of("/audit", limit=100, before=before))
        return guest.page("audit", audit=told)
