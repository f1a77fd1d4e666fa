"""One look at the console: who looks, what they ask the platform, and the page they get."""

from collections.abc import Callable, Coroutine
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote

from fastapi import Depends, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import ChainableUndefined, Environment, FileSystemLoader

from contracts.runtime.problems import Problem
from contracts.runtime.settings import settings
from deploy.console import session
from deploy.console.api import Api, Told, path_of
from deploy.console.formats import FILTERS
from deploy.console.session import Session

TEMPLATES = Path(__file__).parent / "templates"
FIELDS_MOST = 2000  # of a form: 500 orders to act on, with the version seen of each
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Visit:
    """Somebody who is signed in and looks at a page."""

    def __init__(self, request: Request, of: Session) -> None:
        config = settings()
        self.request = request
        self.session = session.renewed(of, config) if of.stale else of
        self._fresh = self.session is not of
        self.api = Api(request.app.state.console, self.session.token)

    @property
    def here(self) -> str:
        """The path of this page, with its query."""
        url = self.request.url
        return f"{url.path}?{url.query}" if url.query else url.path

    def page(self, name: str, **shown: Any) -> Response:
        """A page out of its template."""
        return self.answer(200, name, **shown)

    def answer(self, status: int, name: str, **shown: Any) -> Response:
        """A page that says how it went by its status, too."""
        return self.kept(HTMLResponse(self.rendered(name, **shown), status, HEADERS))

    def rendered(self, name: str, **shown: Any) -> str:
        """The text of a page."""
        common = {
            "caller": self.session.caller,
            "operates": self.session.caller.may("operator"),
            "form_token": session.form_token(self.session, settings()),
            "here": self.here,
            "asked": self.api.asked,
            "simulated": bool(settings().simulators),
        }
        return templates().get_template(f"{name}.html").render(common | shown)

    def sent_to(self, path: str) -> Response:
        """The answer to a form: look there."""
        return self.kept(RedirectResponse(path, 303, HEADERS))

    def kept(self, response: Response) -> Response:
        """The response, with a fresh token where one is due."""
        if self._fresh:
            session.keep(response, self.session)
        return response

    async def form(self) -> dict[str, list[str]]:
        """What a form of this session says; what is not from one is refused."""
        session.check_origin(self.request)
        given = await form_of(self.request)
        session.check_form(self.session, given.get("form_token", [""])[0], settings())
        return given

    def needed(self, told: Told) -> Any:
        """What the platform said, or a page that says why it did not."""
        if not told.ok:
            raise Problem(told.status, "refused", told.title, told.detail)
        return told.said


async def visit(request: Request) -> Visit:
    """Whoever looks; who is not signed in does so first, and comes back."""
    of = session.of(request, settings())
    if of is None:
        to = f"?to={quote(_came_from(request))}" if request.url.path != session.HOME else ""
        raise HTTPException(303, "Sign in first", {"Location": f"{session.HOME}/login{to}"})
    return Visit(request, of)


visit.roles = session.STAFF  # type: ignore[attr-defined]  # read by the test that finds open routes
Guest = Annotated[Visit, Depends(visit)]


class Page(APIRoute):
    """A route whose refusals are pages, too."""

    def get_route_handler(self) -> Handler:
        """The handler, and a page for what it refuses."""
        handler = super().get_route_handler()

        async def shown(request: Request) -> Response:
            try:
                return await handler(request)
            except HTTPException as error:
                if error.status_code == 303 and error.headers:
                    return RedirectResponse(error.headers["Location"], 303, HEADERS)
                return refusal(request, error.status_code, str(error.detail), "")
            except Problem as error:
                said = error.body
                return refusal(request, error.status, said["title"], said.get("detail", ""))
            except RequestValidationError as error:
                wrong = "; ".join(f"{each['loc'][-1]}: {each['msg']}" for each in error.errors())
                return refusal(request, 422, "The request is not valid", wrong)

        return shown


def refusal(request: Request, status: int, title: str, detail: str) -> Response:
    """A page that says what cannot be done, and why."""
    of = session.of(request, settings())
    shown = {"title": title, "detail": detail}
    if of:
        return Visit(request, of).answer(status, "refusal", **shown)
    return HTMLResponse(templates().get_template("refusal.html").render(shown), status, HEADERS)


async def form_of(request: Request) -> dict[str, list[str]]:
    """The fields of a form, each with its values."""
    try:
        text = (await request.body()).decode()
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MOST)
    except ValueError as error:
        raise Problem(400, "unreadable", "The form cannot be read", str(error)) from None
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


@cache
def templates() -> Environment:
    """The templates; whatever the platform says is escaped, and what it does not say is empty."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(FILTERS)
    made.globals["path"] = path_of
    made.globals["parts"] = made.get_template("parts.html").module
    return made


def _came_from(request: Request) -> str:
    url = request.url
    reading = request.method == "GET"
    return (f"{url.path}?{url.query}" if url.query else url.path) if reading else session.HOME
