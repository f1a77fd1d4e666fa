"""Every HTTP error is a problem document (RFC 9457) with a stable `type` that says what to do."""

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"
_MEMBERS = {
    "type": {"type": "string"},
    "title": {"type": "string"},
    "status": {"type": "integer"},
    "detail": {"type": "string"},
}
_SCHEMA = {"type": "object", "properties": _MEMBERS, "required": ["type", "title", "status"]}
# For FastAPI(responses=…): what every route may answer besides what it is there for.
DOCUMENTED: dict[int | str, dict[str, Any]] = {
    kind: {"description": said, "content": {MEDIA_TYPE: {"schema": _SCHEMA}}}
    for kind, said in {"4XX": "Refused: what is wrong, what to do", "5XX": "Try again"}.items()
}
AGAIN = "Send it again under the same key."
UNREADABLE = "Send JSON in UTF-8, not nested deeply and without numbers of many digits."
SAID = {
    400: ("unreadable", UNREADABLE),
    404: ("not-found", "There is nothing at this path; /openapi.json lists what there is."),
    405: ("method-not-allowed", "The header Allow lists the methods of this path."),
    413: ("too-large", "Send several smaller batches."),
}


class Problem(Exception):
    """An answer that refuses: `slug` is the stable end of the problem's type."""

    def __init__(
        self,
        status: int,
        slug: str,
        title: str,
        detail: str = "",
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(title)
        self.status, self.headers = status, headers
        self.body = problem(status, slug, title, detail, **more)


def problem(status: int, slug: str, title: str, detail: str = "", **more: Any) -> dict[str, Any]:
    """The members of a problem document."""
    said = {"detail": detail} if detail else {}
    return {"type": f"/problems/{slug}", "title": title, "status": status, **said, **more}


def install(app: FastAPI) -> None:
    """Answer every refusal, validation error and crash of `app` as a problem document."""
    app.add_exception_handler(Problem, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(OperationalError, _away)
    app.add_exception_handler(Exception, _crashed)


def too_large(detail: str) -> dict[str, Any]:
    """The problem of a body over the limit."""
    return problem(413, "too-large", "The body is too large", detail)


def answer(body: dict[str, Any], headers: Any = None) -> JSONResponse:
    """A problem document as a response."""
    return JSONResponse(body, body["status"], headers=headers, media_type=MEDIA_TYPE)


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return answer(error.body, error.headers)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    wrong = [
        {"at": ".".join(str(part) for part in e["loc"]), "what": e["msg"]} for e in error.errors()
    ]
    return answer(
        problem(422, "invalid", "The request is not valid", "See errors.", errors=wrong[:20])
    )


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    slug, detail = SAID.get(error.status_code, ("http", "See the API's documentation."))
    told = problem(error.status_code, slug, str(error.detail), detail)
    return answer(told, error.headers)


async def _away(_: Request, __: Exception) -> JSONResponse:
    told = problem(503, "not-now", "The database cannot answer", AGAIN)
    return answer(told, {"Retry-After": "1"})


async def _crashed(request: Request, error: Exception) -> JSONResponse:
    path = request.url.path
    structlog.get_logger().error("a request failed", path=path, reason=repr(error), exc_info=error)
    return answer(problem(500, "internal", "Something went wrong here", AGAIN))
