"""A night that is staged, and somebody on call whose clicks are counted and whose time is taken."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from deploy.local import lifecycle
from deploy.local.stack import configured
from tests.browser.conftest import Console, watched
from tests.browser.night import Night
from tests.conftest import let_in
from tests.system.conftest import Platforms

TIME_SCALE = 0.05
MINUTE_SECONDS = 60 * TIME_SCALE
SEEN_MS = 60_000  # an alert is on the page by then
DONE = re.compile(r"/console/(bulk/)?done")
NAME = "staged-night"


@dataclass(frozen=True)
class Deed:
    """What was done about an alert, with how many clicks, in how many seconds."""

    alert: str
    what: str
    clicks: int
    seconds: float
    rows: int


@dataclass
class OnCall:
    """Somebody who starts on *Now*, and goes from an alert to what is to be done about it."""

    console: Console
    deeds: list[Deed] = field(default_factory=list)
    _alert: str = ""
    _clicks: int = 0
    _since: float = 0.0
    _pictures: int = 0

    @property
    def page(self) -> Page:
        """What they look at."""
        return self.console.page

    def see(self, alert: str) -> None:
        """Wait on *Now* until the alert comes up, and click it: the first click."""
        self.console.open("/console")
        link = self.page.locator(".alerts").get_by_role("link", name=alert)
        link.wait_for(timeout=SEEN_MS)
        self.picture(f"now {alert}")
        self._alert, self._clicks, self._since = alert, 0, time.monotonic()
        self.click(link)
        self.page.wait_for_url(lambda url: url.rstrip("/").rsplit("/", 1)[-1] != "console")
        self.picture(alert)

    def click(self, what: Locator) -> None:
        """One more click."""
        self._clicks += 1
        what.click()

    def press(self, name: str, within: str = "main") -> None:
        """Click a link or a button that is called so, the first there is."""
        main = self.page.locator(within)
        named = main.get_by_role("link", name=name).or_(main.get_by_role("button", name=name))
        self.click(named.first)

    def confirm(self, what: str, reason: str) -> str:
        """Look at what would come of it, say why, and do it; what came of it."""
        why = self.page.get_by_label("Why?")
        why.wait_for()
        self.picture(f"{self._alert} preview {what}")
        why.fill(reason)
        self.click(self.page.locator("form.deed button.main"))
        self.page.wait_for_url(DONE)
        seconds = time.monotonic() - self._since
        rows = self.page.locator("tbody tr .chip.done").count() or 1
        self.deeds.append(Deed(self._alert, what, self._clicks, seconds, rows))
        self.picture(f"{self._alert} done {what}")
        return self.console.text

    def mend(self, simulator: str, **switches: Any) -> None:
        """What somebody does outside: here, on the page of the simulators."""
        self.console.open("/console/simulators")
        form = self.page.locator(f"form[action='/console/simulators/{simulator}']")
        for name, value in switches.items():
            if isinstance(value, bool):
                form.get_by_label(name, exact=True).set_checked(value)
            else:
                form.get_by_label(name, exact=True).fill(value)
        form.get_by_role("button", name=f"Set {simulator}").click()
        expect(self.page.get_by_role("status").first).to_contain_text("has these switches now")

    def picture(self, name: str) -> None:
        """Keep the page as it is now, where somebody wants to look at it."""
        if folder := kept_in():
            self._pictures += 1
            file = f"{NAME}-{self._pictures:02d}-{name.replace(' ', '-')}.png"
            self.page.screenshot(path=folder / file, full_page=True)


def kept_in() -> Path | None:
    """The folder for pictures and the recording, where somebody wants them."""
    if not (named := os.environ.get("CONCERTO_SCREENSHOTS")):
        return None
    folder = Path(named)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def stack_of(folder: Path) -> Iterator[Night]:
    """A stack on Valkey on which a minute lasts three seconds, with something to sell."""
    let_in(folder)
    before = dict(os.environ)
    stack = configured(folder / "stack", "valkey", time_scale=TIME_SCALE)
    try:
        lifecycle.up(stack, lambda _: None)
        night = Night(Platforms(stack))
        night.platform.http.call("PUT", "/stock/SKU-1", {"quantity": 1000})
        yield night
    finally:
        lifecycle.down(stack)
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def on_call(night: Night, chromium: Browser) -> Iterator[OnCall]:
    """An operator at the console, by the link that `concerto console` prints; recorded."""
    context = chromium.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.goto(night.concerto("console", "--as", "olga", "--role", "operator").strip())
    page.get_by_role("button", name="Go on as olga").click()
    page.wait_for_url("**/console")
    page.close()
    with _recorded(context), watched(night, context) as console:
        person = OnCall(console)
        yield person
        _written_down(person)
    context.close()


@contextmanager
def _recorded(context: BrowserContext) -> Iterator[None]:
    """A trace that `playwright show-trace` plays: every click with the page before and after."""
    folder = kept_in()
    if folder is None:
        yield
        return
    context.tracing.start(title="A staged night", screenshots=True, snapshots=True)
    try:
        yield
    finally:
        context.tracing.stop(path=folder / f"{NAME}.zip")


def _written_down(person: OnCall) -> None:
    if folder := kept_in():
        lines = [f"{d.clicks} clicks {d.seconds:5.1f} s  {d.alert}: {d.what}" for d in person.deeds]
        (folder / f"{NAME}.txt").write_text("\n".join(lines) + "\n")
