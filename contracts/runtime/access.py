"""Which roles may call a route. Default deny: a route without `allow(...)` fails the build."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import Field

from contracts.runtime.problems import Problem
from contracts.runtime.settings import settings
from contracts.runtime.tokens import Caller, NotOurs, Role, caller_of

__all__ = ["Caller", "Customer", "allow", "own"]

# How a customer is named, in a path and in a body.
Customer = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_.:\-]+$")]
COOKIE = "__Host-concerto"  # of the console's login; it lets read, for who acts sends the token
READING = ("GET", "HEAD")
bearer = HTTPBearer(auto_error=False, description="concerto token --role ROLE --subject ID")


def allow(*roles: Role) -> Callable[..., Awaitable[Caller]]:
    """A dependency that lets callers in one of `roles` (and admins) pass, and says who it is."""

    async def check(  # async, for FastAPI gives others a thread each
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    ) -> Caller:
        cookie = request.cookies.get(COOKIE) if request.method in READING else None
        token = credentials.credentials if credentials else cookie
        if not token:
            raise _unauthorized("Send a token: Authorization: Bearer …")
        try:
            caller = caller_of(token, settings())
        except NotOurs as error:
            raise _unauthorized(f"The token is not valid: {error}") from error
        if not caller.may(*roles):
            needed = " or ".join(roles)
            raise Problem(403, "forbidden", "Not with this role", f"This takes {needed}.")
        return caller

    check.roles = roles  # type: ignore[attr-defined]  # read by the test that finds open routes
    return check


def own(customer_id: str, caller: Caller) -> None:
    """A foreign customer looks like one that is not there."""
    if not caller.sees(customer_id):
        raise Problem(404, "not-found", "There is no such customer")


def _unauthorized(detail: str) -> Problem:
    headers = {"WWW-Authenticate": "Bearer"}
    return Problem(401, "unauthorized", "Who are you?", detail, headers=headers)
