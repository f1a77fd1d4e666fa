"""Pages are what the JSON says, safely: headers, roles, hostile data, and what is not there."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx2
import pytest
from sqlalchemy import delete

from contracts.delivery.tables import attempts
from contracts.runtime.database import Database
from contracts.runtime.settings import Settings
from deploy.console.visit import HEADERS
from tests.http.test_acts import letter
from tests.http.test_hostile import ORDER, call
from tests.http.visitor import Visitor, text_of

SCRIPT = "<script>alert(1)</script>"
PAGES = (
    *("/console", "/console/orders", "/console/attention", "/console/failures"),
    *("/console/consumers", "/console/dead-letters", "/console/process", "/console/reports"),
    *("/console/audit", "/console/simulators", "/console/nowhere", "/console/orders/nothing"),
)
TABS = ("timeline", "flow", "messages", "money", "stock", "effects", "journal")
NO_ID = "01a21912-aebb-8009-989c-096f39b76232"
Form = Callable[..., httpx2.Response]


@pytest.fixture
def visitor_form(api: str) -> Form:
    """Sends a form as somebody who is signed in."""
    visitor = Visitor(api).signed_in()
    return partial(visitor.post, form_token=visitor.form_token())


@pytest.fixture(scope="module")
def hostile(api: str) -> str:
    """An order whose SKU is a script."""
    lines: list[dict[str, Any]] = [{**ORDER["lines"][0], "sku": SCRIPT}]
    body = json.dumps({**ORDER, "lines": lines}).encode()
    status, _, order = call(api, "POST", "/orders", body, **{"Idempotency-Key": "a-script"})
    assert status == 202
    return str(order["id"])


@pytest.mark.parametrize("path", [*PAGES, "/console/login"])
def test_every_page_keeps_the_browser_on_a_short_line(api: str, path: str) -> None:
    """No script or style but ours, no frame, no referrer, nothing kept; refusals too."""
    page = Visitor(api).signed_in().get(path)
    assert {name: page.headers[name] for name in HEADERS} == HEADERS
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<style" not in page.text
    assert " style=" not in page.text
    assert " on" not in {part[:3] for part in page.text.split('"') if part.endswith("=")}


@pytest.mark.parametrize("path", ["console.css", "live.js", "icon.svg"])
def test_what_a_page_looks_like_is_sent_once(api: str, path: str) -> None:
    """An ETag says that it is as it was."""
    visitor = Visitor(api)
    first = visitor.get(f"/console/static/{path}")
    assert first.status_code == 200
    assert first.headers["x-content-type-options"] == "nosniff"
    told = {"If-None-Match": first.headers["etag"]}
    assert visitor._call("GET", f"/console/static/{path}", headers=told).status_code == 304


@pytest.mark.parametrize("role", ["support", "risk", "operator", "admin"])
def test_every_role_gets_every_page(api: str, role: str) -> None:
    """What the JSON does not tell this role, the page says so, where it would stand."""
    visitor = Visitor(api, role).signed_in()
    for path in PAGES[:10]:
        page = visitor.get(path)
        assert page.status_code == 200, (path, page.text)
        assert "</html>" in page.text
    audit = text_of(visitor.get("/console/audit").text)
    assert ("Not with this role" in audit) == (role in ("support", "risk"))


def test_orders_are_those_of_the_json(api: str, hostile: str) -> None:
    """The same filter, the same orders, in the same order."""
    visitor = Visitor(api).signed_in()
    listed = json.loads(visitor.get("/sagas?limit=100").text)["sagas"]
    page = visitor.get("/console/orders").text
    places = [page.index(f'title="{saga["order_id"]}"') for saga in listed]
    assert hostile in {saga["order_id"] for saga in listed}
    assert places == sorted(places)


@pytest.mark.parametrize("tab", TABS)
def test_what_a_shop_wrote_is_text(api: str, hostile: str, tab: str) -> None:
    """A SKU that is a script is shown, and does nothing."""
    page = Visitor(api).signed_in().get(f"/console/orders/{hostile}?tab={tab}")
    assert page.status_code == 200
    assert SCRIPT not in page.text
    assert tab != "stock" or "&lt;script&gt;" in page.text


def test_what_a_visitor_wrote_is_text(api: str) -> None:
    """In a filter, in a search, in the name of a token."""
    visitor = Visitor(api, name=SCRIPT).signed_in()
    for path in ("/console/orders?failure=", "/console/find?id=", "/console/dead-letters?service="):
        page = visitor.get(path + SCRIPT)
        assert SCRIPT not in page.text


def test_any_id_finds_what_it_is_of(api: str, hostile: str) -> None:
    """An order, its saga; and what is not there is said."""
    visitor = Visitor(api).signed_in()
    saga = json.loads(visitor.get(f"/sagas/{hostile}").text)["id"]
    for identifier in (hostile, saga, f" {hostile} "):
        found = visitor.get(f"/console/find?id={identifier}")
        assert found.status_code == 303
        assert visitor.get(found.headers["location"]).status_code == 200
    for identifier in (NO_ID, "nothing", "../../livez", "%2e%2e"):
        missing = visitor.get(f"/console/find?id={identifier}")
        assert missing.status_code == 404
        assert "Nothing has this id" in missing.text


def test_a_page_that_is_not_there_is_a_page(api: str) -> None:
    """With the way back."""
    missing = Visitor(api).signed_in().get("/console/nowhere/at/all")
    assert missing.status_code == 404
    assert "There is no such page" in missing.text


def test_dead_letters_of_a_service_are_replayed_alike(api: str, postgres: str) -> None:
    """One button for all that are shown; what would come of each, and what came of it."""
    crm = Database("crm", Settings(database_url=f"{postgres.rsplit('/', 1)[0]}/edge"))
    letters = [letter(crm), letter(crm)]
    visitor = Visitor(api).signed_in()
    shown = visitor.get("/console/dead-letters?service=crm").text
    assert "Replay all" in shown
    assert all(f'value="{each}@crm"' in shown for each in letters)
    form = {"form_token": visitor.form_token(), "action": "replay"}
    form["back"] = "/console/dead-letters?service=crm"
    chosen = [f"{each}@crm" for each in letters]
    previewed = text_of(visitor.post("/console/bulk", **form, item=chosen).text)
    assert "2 of 2 would be done" in previewed
    done = visitor.post("/console/bulk/done", **form, item=chosen, reason="it is up").text
    assert done.count("is handed to crm") == 2
    assert 'href="/console/dead-letters?service=crm"' in done
    again = text_of(visitor.post("/console/bulk/done", **form, item=chosen, reason="again").text)
    assert again.count("vera replayed it") == 2
    with crm.transaction() as session:
        session.execute(delete(attempts))
    crm.close()


def test_nothing_is_done_to_nothing(visitor_form: Form) -> None:
    """Nor to what is no selection, nor by an action that there is none of."""
    for given in ({"action": "retry"}, {"action": "retry", "item": "x"}, {"item": "x@1"}):
        page = visitor_form("/console/bulk", **given)
        assert page.status_code == 422
        assert "Nothing is selected" in page.text


def test_all_that_is_shown_is_a_selection_too(visitor_form: Form) -> None:
    """Whatever is marked."""
    given = {"action": "retry", "all": "yes", "shown": [f"{NO_ID}@1"], "item": [f"{NO_ID}@2"] * 2}
    assert "0 of 1 would be done" in text_of(visitor_form("/console/bulk", **given).text)
