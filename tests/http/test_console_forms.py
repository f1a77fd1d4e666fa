"""A form of the console is taken from its own pages alone."""

import pytest

from tests.http.visitor import Visitor

RELEASE = "/console/reviews/none/release"


@pytest.fixture
def visitor(api: str) -> Visitor:
    """Somebody who is signed in."""
    return Visitor(api).signed_in()


def test_a_form_of_its_own_page_is_taken(visitor: Visitor) -> None:
    """It comes as far as the platform, which says what is wrong with it."""
    answer = visitor.post(RELEASE, form_token=visitor.form_token())
    assert "There is no such review" in visitor.done(answer)


@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
def test_a_form_without_the_token_of_the_session_is_refused(visitor: Visitor, token: str) -> None:
    """Nothing is asked of the platform."""
    refused = visitor.post(RELEASE, form_token=token)
    assert refused.status_code == 403
    assert "not of this session" in refused.text


def test_the_token_of_another_session_is_refused(visitor: Visitor, api: str) -> None:
    """Though it is of the same person."""
    other = Visitor(api).signed_in().form_token()
    assert visitor.post(RELEASE, form_token=other).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", [RELEASE, "/console/login", "/console/logout", "/console/bulk"])
def test_a_form_from_another_site_is_refused(
    visitor: Visitor, headers: dict[str, str], path: str
) -> None:
    """Another port of this machine is another site, too."""
    token = visitor.form_token()
    visitor.headers = headers
    refused = visitor.post(path, form_token=token)
    assert refused.status_code == 403
    assert "another site" in refused.text


def test_a_browser_that_hides_the_origin_says_where_it_comes_from(visitor: Visitor) -> None:
    """Our pages send no referrer, and with that Chromium's Origin is null."""
    visitor.headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    answer = visitor.post(RELEASE, form_token=visitor.form_token())
    assert "There is no such review" in visitor.done(answer)


def test_no_link_puts_words_into_the_consoles_mouth(visitor: Visitor) -> None:
    """What was done is signed by who did it."""
    answer = visitor.post(RELEASE, form_token=visitor.form_token())
    told = answer.headers["location"]
    assert visitor.get(told).status_code == 200
    assert visitor.get(f"{told[:-4]}AAAA").status_code == 404


def test_a_form_of_too_many_fields_is_refused(visitor: Visitor) -> None:
    """500 orders at once is the most."""
    refused = visitor.post("/console/bulk", item=["x@1"] * 3000)
    assert refused.status_code == 400


def test_nothing_selected_is_said(visitor: Visitor) -> None:
    """Instead of a page about nothing."""
    refused = visitor.post("/console/bulk", form_token=visitor.form_token(), action="retry")
    assert refused.status_code == 422
    assert "Nothing is selected" in refused.text
