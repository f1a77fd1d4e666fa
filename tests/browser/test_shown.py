"""Every page, wide and narrow, light and dark: accessible, whole, and nothing cut off.

With CONCERTO_SCREENSHOTS=FOLDER each is written there as a picture.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.conftest import Console, watched
from tests.browser.night import Night

LOOKS: dict[str, dict[str, Any]] = {
    "wide": {"viewport": {"width": 1400, "height": 900}},
    "dark": {"viewport": {"width": 1400, "height": 900}, "color_scheme": "dark"},
    "narrow": {"viewport": {"width": 390, "height": 844}},
}
# What colours change, and what width does; the rest is the same for every look.
RULES = {
    "dark": ["color-contrast"],
    "narrow": ["color-contrast", "scrollable-region-focusable"],
}
TABS = ("timeline", "flow", "messages", "money", "stock", "effects", "journal")
PAGES = (
    *("", "orders", "attention", "failures", "consumers", "dead-letters", "process", "reports"),
    *("audit", "simulators", "nowhere"),
)
GRAVE = ("serious", "critical")
# In an image viewer's order: the page is cut off where it scrolls sideways as a whole.
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def paths(night: Night) -> Iterator[tuple[str, str]]:
    """Every page by a name."""
    yield from ((path or "now", f"/console/{path}".rstrip("/")) for path in PAGES)
    for tab in TABS:
        yield f"order-{tab}", f"/console/orders/{night.orders['confirmed']}?tab={tab}"
    for name in ("unknown", "risky", "undoing", "hostile"):
        yield f"order-{name}", f"/console/orders/{night.orders[name]}"
    yield "event", f"/console/events/{night.event('unheard')['id']}"
    saga, (letter, *_) = night.saga("risky"), night.said("dead")
    yield "act", f"/console/act/sagas/{saga['id']}?action=undo"
    yield "act-refused", f"/console/act/sagas/{saga['id']}?action=undo&seen_version=1"
    yield "act-pause", "/console/act/services/payments?action=pause"
    yield "act-backfill", "/console/act/consumers/crm"
    yield "act-replay", f"/console/act/dead-letters/{letter['id']}"
    yield "login", "/console/login"


@pytest.fixture(scope="module", params=LOOKS)
def look(
    request: pytest.FixtureRequest, chromium: Browser, session: BrowserContext
) -> Iterator[tuple[str, BrowserContext]]:
    """A browser of this width and colour, that is signed in."""
    context = chromium.new_context(storage_state=session.storage_state(), **LOOKS[request.param])
    yield request.param, context
    context.close()


def test_every_page_is_accessible_and_whole(night: Night, look: tuple[str, BrowserContext]) -> None:
    """Axe finds nothing serious, no page scrolls sideways, and the browser complains of nothing."""
    name, context = look
    faults = []
    with watched(night, context) as console:
        for page, path in paths(night):
            console.open(path)
            faults += [f"{page}: {fault}" for fault in found(console, RULES.get(name))]
            picture(console, f"{page}-{name}")
        console.forgive("404", "409")  # the pages that say that there is nothing
    assert faults == []


def found(console: Console, rules: list[str] | None) -> list[str]:
    """What is wrong with the page as it is now, by these rules or all."""
    only = {"runOnly": rules} if rules else {}
    sideways = console.page.evaluate(SIDEWAYS)
    listed = Axe().run(console.page, options=only).response["violations"]
    grave = [
        f"{each['id']} at {'; '.join(str(node['target']) for node in each['nodes'][:3])}"
        for each in listed
        if each["impact"] in GRAVE
    ]
    return [*grave, *([f"{sideways} pixels to the side"] if sideways > 0 else [])]


def picture(console: Console, name: str) -> None:
    """Keep it, where somebody wants to look at it."""
    if folder := os.environ.get("CONCERTO_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        console.page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_all_of_it_can_be_read_and_done_without_javascript(
    night: Night, chromium: Browser, session: BrowserContext
) -> None:
    """Pages are links and forms: from the start page to a deed, which is then left undone."""
    state = session.storage_state()
    context = chromium.new_context(storage_state=state, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{night.url}/console")
    page.get_by_role("link", name="Attention").first.click()
    page.get_by_role("link", name="It looks like fraud").first.click()
    page.locator(".actions a").first.click()
    assert page.get_by_role("heading", name="What would come of it").is_visible()
    page.get_by_role("link", name="Leave it").click()
    expect(page.locator("h1")).to_contain_text(night.orders["risky"])
    context.close()
