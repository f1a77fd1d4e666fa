"""Signing in with an access token, and out again."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from contracts.runtime.settings import settings
from contracts.runtime.tokens import Caller, NotOurs, claims_of
from deploy.console import session
from deploy.console.visit import HEADERS, Guest, form_of, templates


def routes(router: APIRouter) -> None:
    """The pages of signing in and out."""

    @router.get("/login")
    async def ask(token: str = "", to: str = session.HOME) -> Response:
        """Ask for a token; with one in the address, whether to go on as its holder. No link signs
        anybody in by itself."""
        if not token:
            return _asking(to=to)
        try:
            claims = claims_of(token, settings())
        except NotOurs as error:
            return _asking(401, to=to, wrong=_because(error))
        return _asking(to=to, token=token, who=Caller(claims["sub"], claims["role"]))

    @router.post("/login")
    async def enter(request: Request) -> Response:
        """Begin a session, and go where its holder was going."""
        session.check_origin(request)
        given = {name: values[0] for name, values in (await form_of(request)).items()}
        to = session.local(given.get("to", ""))
        try:
            begun = session.begun(given.get("token", "").strip(), settings())
        except NotOurs as error:
            return _asking(401, to=to, wrong=_because(error))
        response = RedirectResponse(to, 303, HEADERS)
        session.keep(response, begun)
        return response

    @router.post("/logout")
    async def leave(guest: Guest) -> Response:
        """End the session."""
        await guest.form()
        response = RedirectResponse(f"{session.HOME}/login", 303, HEADERS)
        session.forget(response)
        return response


def _asking(status: int = 200, to: str = session.HOME, **shown: Any) -> Response:
    text = templates().get_template("login.html").render(to=session.local(to), **shown)
    return HTMLResponse(text, status, HEADERS)


def _because(error: NotOurs) -> str:
    run_out = "expired" in str(error)
    return "It has run out: make a new one." if run_out else f"It is not valid: {error}."
