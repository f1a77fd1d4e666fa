"""Who is signed in to the console, and for how long; and that a form was sent from its own page.

The session is an access token in a cookie that scripts cannot read: while it is used a fresh one
takes its place every minute, for eight hours from the login on. A form carries a token that only
this session's pages know, and a POST from another site is refused by what the browser says of it.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from fastapi import Request, Response

from contracts.runtime.access import COOKIE
from contracts.runtime.problems import Problem
from contracts.runtime.settings import Settings
from contracts.runtime.tokens import LIFETIME, Caller, NotOurs, Role, claims_of, mint

STAFF: tuple[Role, ...] = ("support", "risk", "operator")
LONGEST = timedelta(hours=8)
FRESH = timedelta(minutes=1)
HOME = "/console"


@dataclass(frozen=True)
class Session:
    """Somebody who is signed in, with the token they act by."""

    caller: Caller
    token: str
    number: str
    since: datetime
    made: datetime

    @property
    def until(self) -> datetime:
        """When it ends, however much it is used."""
        return self.since + LONGEST

    @property
    def stale(self) -> bool:
        """Whether a fresh token is due."""
        return datetime.now(UTC) - self.made > FRESH


def begun(token: str, config: Settings) -> Session:
    """A session for whoever holds this access token; `NotOurs` says why there is none.

    The token of a session goes on with that session: nobody stays longer by signing in again.
    """
    claims = claims_of(token, config)
    caller = Caller(claims["sub"], claims["role"])
    if not caller.may(*STAFF):
        raise NotOurs(f"the console is for {', '.join(STAFF)} and admin, not for {caller.role}")
    since = claims.get("auth_time", int(datetime.now(UTC).timestamp()))
    return _minted(caller, claims.get("sid", secrets.token_hex(16)), since, config)


def of(request: Request, config: Settings) -> Session | None:
    """The session of a request, if there is one."""
    try:
        claims = claims_of(request.cookies.get(COOKIE, ""), config)
    except NotOurs:
        return None
    caller = Caller(claims["sub"], claims["role"])
    if "sid" not in claims or "auth_time" not in claims or not caller.may(*STAFF):
        return None
    since = datetime.fromtimestamp(claims["auth_time"], UTC)
    made = datetime.fromtimestamp(claims["iat"], UTC)
    session = Session(caller, request.cookies[COOKIE], claims["sid"], since, made)
    return session if datetime.now(UTC) < session.until else None


def renewed(session: Session, config: Settings) -> Session:
    """The same session with a fresh token, good for 15 minutes or what is left of it."""
    return _minted(session.caller, session.number, int(session.since.timestamp()), config)


def keep(response: Response, session: Session) -> None:
    """Let the browser have it: over a safe connection, for this host, out of reach of scripts."""
    left = max(int((session.until - datetime.now(UTC)).total_seconds()), 0)
    response.set_cookie(
        COOKIE, session.token, max_age=left, secure=True, httponly=True, samesite="strict"
    )


def forget(response: Response) -> None:
    """Let the browser drop it."""
    response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="strict")


def form_token(session: Session, config: Settings) -> str:
    """What every form of this session carries."""
    key = config.signing_key.get_secret_value().encode()
    return hmac.new(key, f"form {session.number}".encode(), hashlib.sha256).hexdigest()


def check_origin(request: Request) -> None:
    """Refuse what another site makes a browser send.

    A browser says where a request comes from in Sec-Fetch-Site; one that does not yet, in Origin.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    here = urlsplit(origin or "").netloc == request.headers.get("host", "")
    if site != "same-origin" if site else not here:
        raise Problem(403, "other-site", "That came from another site", "Do it on this page.")


def check_form(session: Session, given: str, config: Settings) -> None:
    """Refuse a form that is not from a page of this session."""
    if not hmac.compare_digest(given.encode(), form_token(session, config).encode()):
        detail = "It is from an earlier session. Go back, reload the page, and do it again."
        raise Problem(403, "stale-form", "This form is not of this session", detail)


def local(path: str) -> str:
    """The path, if it is one of the console's; else its start."""
    parts = urlsplit(path)
    good = parts.path == HOME or parts.path.startswith(f"{HOME}/")
    odd = parts.scheme or parts.netloc or "\\" in path or not path.isprintable()
    return path if good and not odd else HOME


def _minted(caller: Caller, number: str, since: int, config: Settings) -> Session:
    now, begun_at = datetime.now(UTC), datetime.fromtimestamp(since, UTC)
    lifetime = min(LIFETIME, begun_at + LONGEST - now)
    token = mint(config, caller.role, caller.subject, lifetime, sid=number, auth_time=since)
    return Session(caller, token, number, begun_at, now)
