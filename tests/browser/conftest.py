"""A stack on which something of everything happened, and somebody at its console in Chromium."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from deploy.local import lifecycle
from deploy.local.brokers import INSTALL
from deploy.local.stack import configured
from tests.browser.night import Night, happened
from tests.system.conftest import Platforms

TIME_SCALE = 0.5
HERE = "http://127.0.0.1:"


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Night]:
    """A stack on Valkey with an order on each path that people ask about."""
    folder = tmp_path_factory.mktemp("console")
    for part in (folder, *folder.parents[:2]):
        part.chmod(0o755)  # the unprivileged user that runs the database must reach it
    before = dict(os.environ)
    stack = configured(folder / "stack", "valkey", time_scale=TIME_SCALE)
    try:
        lifecycle.up(stack, lambda _: None)
        yield happened(Platforms(stack))
    finally:
        lifecycle.down(stack)
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The machine's Chromium; on the build server it has to be there."""
    binary = shutil.which("chromium")
    if not binary and not os.environ.get("CI"):
        pytest.skip(f"there is no chromium: {INSTALL.format('chromium')}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Console:
    """Somebody who is signed in, with all that their browser asked for and complained about."""

    night: Night
    page: Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._heard)

    def open(self, path: str) -> str:
        """What is read on the page at this path."""
        self.page.goto(self.night.url + path)
        return self.text

    @property
    def text(self) -> str:
        """What is read on the page."""
        return " ".join(self.page.inner_text("body").split())

    def row(self, *words: str) -> str:
        """The first row of a table that says all of these words, with what it opens."""
        rows = self.page.locator("tr")
        for word in words:
            rows = rows.filter(has_text=word)
        return " ".join((rows.first.text_content() or "").split())

    def json(self, path: str) -> Any:
        """What the platform says at this path, over HTTP."""
        return self.night.platform.http.get(path)

    def forgive(self, *said: str) -> None:
        """Complaints that say one of these are meant."""
        self.complaints = [c for c in self.complaints if not any(word in c for word in said)]

    def _heard(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(message.text)


@pytest.fixture(scope="session")
def session(night: Night, chromium: Browser) -> Iterator[BrowserContext]:
    """A browser that is signed in, by the link that `concerto console` prints."""
    context = chromium.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.goto(night.concerto("console", "--as", "olga", "--role", "admin").strip())
    page.get_by_role("button", name="Go on as olga").click()
    page.wait_for_url("**/console")
    page.close()
    yield context
    context.close()


@pytest.fixture
def console(night: Night, session: BrowserContext) -> Iterator[Console]:
    """A page of its own; whatever was done there, nothing was asked of another machine, and the
    browser had nothing to complain about."""
    with watched(night, session) as console:
        yield console


@contextmanager
def watched(night: Night, context: BrowserContext) -> Iterator[Console]:
    """A page that asks nothing of another machine, and of which the browser does not complain."""
    page = context.new_page()
    page.set_default_timeout(10_000)
    console = Console(night, page)
    yield console
    page.close()
    assert [url for url in console.asked if not url.startswith((HERE, "data:"))] == []
    assert console.complaints == []
