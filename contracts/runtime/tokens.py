"""Access tokens: short-lived, signed, and naming one role."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, get_args

import jwt

from contracts.runtime.settings import Settings

Role = Literal["shop", "customer", "support", "risk", "operator", "admin", "service"]
ROLES: tuple[str, ...] = get_args(Role)
ISSUER = AUDIENCE = "concerto"
LIFETIME = timedelta(minutes=15)
ALGORITHM = "HS256"


@dataclass(frozen=True)
class Caller:
    """Who calls, and in which role."""

    subject: str
    role: Role

    def may(self, *roles: Role) -> bool:
        """Whether this caller has one of `roles`; an admin has every role but `service`."""
        return self.role in roles or (self.role == "admin" and roles != ("service",))

    def sees(self, customer_id: str) -> bool:
        """Whether what is this customer's may be shown: a customer sees only its own."""
        return self.role != "customer" or self.subject == customer_id


class NotOurs(ValueError):
    """The token is not one of ours, or has run out."""


def mint(
    config: Settings, role: str, subject: str, lifetime: timedelta = LIFETIME, **more: Any
) -> str:
    """An access token for `subject` in `role`, good for 15 minutes unless told otherwise; `more`
    are claims that it carries besides."""
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
        **more,
    }
    return jwt.encode(claims, config.signing_key.get_secret_value(), algorithm=ALGORITHM)


def caller_of(token: str, config: Settings) -> Caller:
    """Who holds `token`; `NotOurs` says why nobody does."""
    claims = claims_of(token, config)
    return Caller(claims["sub"], claims["role"])


def claims_of(token: str, config: Settings) -> dict[str, Any]:
    """What `token` says, once it is seen to be ours and not to have run out."""
    try:
        claims = _claims(token, config.signing_key.get_secret_value())
    except jwt.InvalidTokenError as error:
        raise NotOurs(str(error)) from error
    if claims["exp"] <= datetime.now(UTC).timestamp():
        raise NotOurs("Signature has expired")
    if claims.get("role") not in ROLES:
        raise NotOurs("it names no role")
    return claims


@lru_cache(maxsize=1000)
def _claims(token: str, key: str) -> dict[str, Any]:
    """What a valid token says; a caller's next request is not checked again, but for its end."""
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=[ALGORITHM],
        audience=AUDIENCE,
        issuer=ISSUER,
        options={"require": ["exp", "iss", "aud", "sub"]},
    )
    return claims
