"""Every HTTP error is a problem document (RFC 9457) with a stable `type` that says what to do."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"


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
    app.add_exception_handler(Exception, _crashed)


def _answer(body: dict[str, Any], headers: Any = None) -> JSONResponse:
    return JSONResponse(body, body["status"], headers=headers, media_type=MEDIA_TYPE)


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return _answer(error.body, error.headers)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    wrong = [
        {"at": ".".join(str(part) for part in e["loc"]), "what": e["msg"]} for e in error.errors()
    ]
    return _answer(
        problem(422, "invalid", "The request is not valid", "See errors.", errors=wrong[:20])
    )


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    slug = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "http")
    return _answer(problem(error.status_code, slug, str(error.detail)), error.headers)


async def _crashed(_: Request, __: Exception) -> JSONResponse:
    return _answer(
        problem(500, "internal", "Something went wrong here", "Send it again under the same key.")
    )
