"""Who may call: short-lived signed tokens, and the roles that every route lists.

Default deny: a route without `allow(...)` fails the build (tests/test_tidy.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, get_args

import jwt
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from contracts.runtime.problems import Problem
from contracts.runtime.settings import Settings, settings

Role = Literal["shop", "customer", "support", "risk", "operator", "admin", "service"]
ROLES: tuple[str, ...] = get_args(Role)
ISSUER = AUDIENCE = "concerto"
LIFETIME = timedelta(minutes=15)
ALGORITHM = "HS256"

bearer = HTTPBearer(auto_error=False, description="concerto token --role ROLE --subject ID")


@dataclass(frozen=True)
class Caller:
    """Who calls, and in which role."""

    subject: str
    role: Role

    def may(self, *roles: Role) -> bool:
        """Whether this caller has one of `roles`; an admin has every role but `service`."""
        return self.role in roles or (self.role == "admin" and roles != ("service",))


def mint(config: Settings, role: str, subject: str, lifetime: timedelta = LIFETIME) -> str:
    """An access token for `subject` in `role`, good for 15 minutes."""
    if role not in ROLES:
        raise ValueError(f"no role {role!r}; there are {', '.join(ROLES)}")
    now = datetime.now(UTC)
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": subject,
        "role": role,
        "iat": now,
        "exp": now + lifetime,
    }
    return jwt.encode(claims, config.signing_key.get_secret_value(), algorithm=ALGORITHM)


def caller_of(token: str, config: Settings) -> Caller:
    """Who holds `token`; `Problem` 401 when it is not one of ours or has run out."""
    try:
        claims = jwt.decode(
            token,
            config.signing_key.get_secret_value(),
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
    except jwt.InvalidTokenError as error:
        raise _unauthorized(f"The token is not valid: {error}") from error
    if claims.get("role") not in ROLES:
        raise _unauthorized("The token names no role")
    return Caller(claims["sub"], claims["role"])


def allow(*roles: Role) -> Callable[..., Caller]:
    """A dependency that lets callers in one of `roles` (and admins) pass, and says who it is."""

    def check(
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    ) -> Caller:
        token = credentials.credentials if credentials else request.cookies.get("__Host-concerto")
        if not token:
            raise _unauthorized("Send a token: Authorization: Bearer …")
        caller = caller_of(token, settings())
        if not caller.may(*roles):
            raise Problem(
                403, "forbidden", "Not with this role", f"This takes {' or '.join(roles)}."
            )
        return caller

    check.roles = roles  # type: ignore[attr-defined]  # read by the test that finds open routes
    return check


def _unauthorized(detail: str) -> Problem:
    return Problem(
        401, "unauthorized", "Who are you?", detail, headers={"WWW-Authenticate": "Bearer"}
    )
