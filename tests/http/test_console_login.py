"""Signing in to the console: by a token, by a link that asks first, for a time; and out again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from contracts.runtime.access import COOKIE
from contracts.runtime.settings import settings
from contracts.runtime.tokens import caller_of, claims_of, mint
from tests.http.visitor import Visitor

LOGIN = "/console/login"


def session_token(ago: timedelta, made_ago: timedelta, lifetime: timedelta) -> str:
    """The token of a session that began `ago`, made `made_ago`, good for so long from now on."""
    now = datetime.now(UTC)
    since, made = int((now - ago).timestamp()), now - made_ago
    more: dict[str, Any] = {"sid": "1" * 32, "auth_time": since, "iat": made}
    return mint(settings(), "operator", "vera", lifetime, **more)


def test_a_link_asks_before_it_signs_anybody_in(api: str) -> None:
    """It says as whom one would go on, and sets nothing; the button does."""
    visitor = Visitor(api)
    token = mint(settings(), "risk", "rita")
    asked = visitor.get(f"{LOGIN}?token={token}")
    assert "Go on as <strong>rita</strong> (risk)?" in asked.text
    assert "set-cookie" not in asked.headers
    entered = visitor.post(LOGIN, token=token)
    assert entered.headers["location"] == "/console"
    assert caller_of(visitor.cookie, settings()).subject == "rita"


def test_the_session_is_out_of_reach_of_scripts_and_of_other_sites(api: str) -> None:
    """Secure, HttpOnly, SameSite=Strict, for this host alone."""
    told = Visitor(api).post(LOGIN, token=mint(settings(), "support", "sue"))
    kept = told.headers["set-cookie"].lower()
    assert kept.startswith(COOKIE.lower())
    assert {"secure", "httponly", "samesite=strict", "path=/"} <= set(kept.split("; "))
    assert "domain" not in kept


@pytest.mark.parametrize("role", ["customer", "shop", "service"])
def test_the_console_is_for_staff(api: str, role: str) -> None:
    """Others are told so."""
    refused = Visitor(api).post(LOGIN, token=mint(settings(), role, "somebody"))
    assert refused.status_code == 401
    assert f"not for {role}" in refused.text
    assert "set-cookie" not in refused.headers


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
def test_a_wrong_token_is_refused(api: str, token: str) -> None:
    """With what is wrong."""
    refused = Visitor(api).post(LOGIN, token=token)
    assert refused.status_code == 401
    assert "It is not valid" in refused.text


def test_a_token_that_ran_out_is_refused(api: str) -> None:
    """And a new one is to be made."""
    token = mint(settings(), "operator", "vera", timedelta(seconds=-1))
    for answer in (
        Visitor(api).post(LOGIN, token=token),
        Visitor(api).get(f"{LOGIN}?token={token}"),
    ):
        assert answer.status_code == 401
        assert "It has run out" in answer.text


def test_who_is_not_signed_in_comes_back_to_the_page(api: str) -> None:
    """Every page sends to the login, and the login back."""
    visitor = Visitor(api)
    asked = visitor.get("/console/orders?status=review")
    assert asked.status_code == 303
    assert asked.headers["location"] == "/console/login?to=/console/orders%3Fstatus%3Dreview"
    assert (
        'name="to" value="/console/orders?status=review"'
        in visitor.get(asked.headers["location"]).text
    )
    entered = visitor.post(
        LOGIN, token=mint(settings(), "risk", "rita"), to="/console/orders?status=review"
    )
    assert entered.headers["location"] == "/console/orders?status=review"


@pytest.mark.parametrize(
    "to",
    ["https://evil.example/", "//evil.example", "/orders", "/console\\@evil", "/consoles", "\t//e"],
)
def test_nobody_is_sent_elsewhere(api: str, to: str) -> None:
    """Only pages of the console are gone back to."""
    entered = Visitor(api).post(LOGIN, token=mint(settings(), "risk", "rita"), to=to)
    assert entered.headers["location"] == "/console"


def test_a_session_is_renewed_while_it_is_used(api: str) -> None:
    """After a minute a fresh token takes the place of the old one, for the same session."""
    old = session_token(timedelta(hours=2), timedelta(minutes=2), timedelta(minutes=13))
    visitor = Visitor(api, cookie=old)
    assert visitor.get("/console/audit").status_code == 200
    before, after = claims_of(old, settings()), claims_of(visitor.cookie, settings())
    assert after["exp"] > before["exp"]
    assert (after["sid"], after["auth_time"]) == (before["sid"], before["auth_time"])
    young = visitor.cookie
    assert "set-cookie" not in visitor.get("/console/audit").headers
    assert visitor.cookie == young


def test_a_session_ends_eight_hours_after_the_login(api: str) -> None:
    """Nobody stays longer by using it, nor by signing in with its own token."""
    late = session_token(
        timedelta(hours=7, minutes=58), timedelta(minutes=5), timedelta(minutes=10)
    )
    visitor = Visitor(api, cookie=late)
    visitor.get("/console/audit")
    left = claims_of(visitor.cookie, settings())["exp"] - datetime.now(UTC).timestamp()
    assert 0 < left <= 121
    again = Visitor(api)
    again.post(LOGIN, token=late)
    assert (
        claims_of(again.cookie, settings())["auth_time"] == claims_of(late, settings())["auth_time"]
    )
    over = session_token(timedelta(hours=8, seconds=1), timedelta(minutes=5), timedelta(minutes=10))
    assert Visitor(api, cookie=over).get("/console/audit").status_code == 303


def test_signing_out_ends_it(api: str) -> None:
    """The cookie is gone."""
    visitor = Visitor(api).signed_in()
    left = visitor.post("/console/logout", form_token=visitor.form_token())
    assert left.headers["location"] == LOGIN
    assert "max-age=0" in left.headers["set-cookie"].lower()


def test_an_access_token_is_no_session(api: str) -> None:
    """In the cookie it lets nobody in: a session begins by the login."""
    visitor = Visitor(api, cookie=mint(settings(), "operator", "vera"))
    assert visitor.get("/console").status_code == 303


def test_the_cookie_reads_json_and_does_nothing(api: str) -> None:
    """Links on a page lead to JSON; what acts takes the token itself, so no other site can."""
    visitor = Visitor(api).signed_in()
    assert visitor.get("/sagas").status_code == 200
    told = {"Cookie": f"{COOKIE}={visitor.cookie}"}
    assert httpx2.post(f"{api}/reviews/none/release", headers=told).status_code == 401
