"""Services: how far each subscriber is, what each keeps and waits for, and what it gave up."""

from fastapi import APIRouter, Response

from deploy.console.visit import Guest


def routes(router: APIRouter) -> None:
    """The pages about services and what they could not handle."""

    @router.get("/consumers")
    async def consumers(guest: Guest) -> Response:
        """Subscribers by depth, and every service."""
        told = await guest.api.all(consumers="/consumers", services="/services")
        return guest.page("consumers", **told)

    @router.get("/dead-letters")
    async def dead_letters(
        guest: Guest,
        service: str = "",
        subject: str = "",
        type: str = "",  # noqa: A002  # as JSON
    ) -> Response:
        """What could not be handled, the newest first."""
        chosen = {"service": service, "subject": subject, "type": type}
        told = await guest.api.get("/dead-letters", **chosen)
        return guest.page("dead_letters", letters=told, chosen=chosen)
