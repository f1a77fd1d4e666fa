"""Working at the console: live pages, keys, and deeds from an alert to what came of them.

These change what the other tests look at, and so come last.
"""

from playwright.sync_api import Browser, expect

from tests.browser.conftest import Console
from tests.browser.night import switched
from tests.system.conftest import wait_until


def deed(console: Console, reason: str) -> str:
    """Fill in why, do it, and read what came of it."""
    console.page.get_by_label("Why?").fill(reason)
    console.page.locator("form.deed button.main").click()
    console.page.wait_for_url("**/console/done?**")
    return console.text


def audited(console: Console, action: str, about: str) -> list[str]:
    """The reasons in the audit for doing this to that, newest first."""
    rows = console.json("/audit")["audit"]
    return [r["reason"] for r in rows if (r["action"], r["about"]) == (action, about)]


def test_a_page_follows_what_happens(console: Console) -> None:
    """Without a reload, the sentence says how the order went on; a switch stops that."""
    console.open("/console/attention?role=support")
    before = console.page.locator("article").count()
    night = console.night
    saga = night.saga("short")
    console.page.evaluate("window.here = true")
    body = {"choice": "undo", "reason": "the customer waits no longer"}
    night.platform.http.call("POST", f"/reviews/{saga['review']['id']}/decision", body)
    expect(console.page.locator("article")).to_have_count(before - 1)
    assert console.page.evaluate("window.here")
    console.page.get_by_role("button", name="Pause").click()
    assert "Paused" in console.page.inner_text("[data-said]")


def test_a_form_that_is_filled_in_is_left_alone(console: Console) -> None:
    """A page does not take away what somebody marked."""
    console.page.clock.install()
    console.open("/console/orders")
    box = console.page.locator("input[name=item]").first
    box.check()
    console.page.clock.run_for(5000)
    assert box.is_checked()


def test_keys_lead_everywhere(console: Console) -> None:
    """`/` finds, `g` goes, `?` says which keys there are."""
    console.open("/console")
    console.page.keyboard.press("/")
    order = console.night.orders["confirmed"]
    console.page.keyboard.type(order)
    console.page.keyboard.press("Enter")
    console.page.wait_for_url(f"**/console/orders/{order}")
    for key, path in (("c", "consumers"), ("p", "process"), ("u", "audit")):
        console.page.keyboard.press("g")
        console.page.keyboard.press(key)
        console.page.wait_for_url(f"**/console/{path}")
    console.page.keyboard.press("?")
    assert console.page.locator("#keys").is_visible()


def test_a_dead_letter_is_replayed_in_three_clicks(console: Console) -> None:
    """From the start page: the figure, Replay, and yes; once the mailbox takes it, it is sent."""
    night = console.night
    order = night.orders["unmailed"]
    (letter,) = console.json(f"/dead-letters?service=email&subject={order}")["dead_letters"]
    switched(night.platform, "mail", refuse="")
    console.open("/console")
    console.page.locator(".tiles a[href='/console/dead-letters']").click()
    row = console.page.locator("tr", has_text=order)
    row.get_by_role("link", name="Replay").click()
    assert "would be handed to email" in console.text
    said = deed(console, "the mailbox is back")
    assert said.count("handed to email") == 1
    assert audited(console, "replay", letter["id"]) == ["the mailbox is back"]
    wait_until("the mail is sent", lambda: mailed(console, order))
    console.open("/console/dead-letters?service=email")
    assert order not in console.text


def mailed(console: Console, order: str) -> bool:
    """Whether the mail server has a mail about the order on record."""
    return bool(console.json(f"/simulators/mail/records?about={order}"))


def test_a_deed_is_refused_when_the_world_moved_on(console: Console) -> None:
    """Two previews of one review: the first is done, the second says what happened since."""
    saga = console.night.saga("risky")
    path = f"/console/act/sagas/{saga['id']}?action=continue&step=check%20fraud"
    other = console.page.context.new_page()
    other.goto(console.night.url + path)
    console.open(path)
    assert "Done" in deed(console, "the customer is known to us")
    other.get_by_label("Why?").fill("looks bad")
    other.locator("form.deed button.main").click()
    other.wait_for_url("**/console/done?**")
    said = other.inner_text("main")
    assert "It was not done" in said
    assert "It has moved on since you looked" in said
    other.close()
    reasons = audited(console, "continue", saga["id"])
    assert reasons[:2] == ["looks bad", "the customer is known to us"]


def test_a_reload_of_what_was_done_does_it_no_second_time(console: Console) -> None:
    """The page that says what came of it is a page like others."""
    saga = console.night.saga("unknown")
    console.open(f"/console/orders/{saga['order_id']}")
    console.page.locator(".actions a").first.click()
    deed(console, "the provider is back")
    before = len(console.json("/audit")["audit"])
    console.page.reload()
    assert "Done" in console.text
    assert len(console.json("/audit")["audit"]) == before


def test_a_paused_service_goes_on(console: Console) -> None:
    """Resumed from the page of consumers: what was half undone is undone to the end."""
    night = console.night
    console.open("/console/consumers")
    console.page.locator("#service-inventory").get_by_role("link", name="Resume").click()
    assert "Paused by tests: the warehouse moves" in console.text
    assert "inventory goes on" in deed(console, "it has moved")
    wait_until("it is undone", lambda: night.saga("undoing")["status"] == "undone")


def test_many_orders_are_done_at_once(console: Console) -> None:
    """A selection, what would come of each, and what came of each; those that cannot say why."""
    console.open("/console/orders")
    console.page.locator("input[data-all]").check()
    count = console.page.locator("input[name=item]").count()
    console.page.get_by_label("With the selected").select_option("pause")
    console.page.get_by_role("button", name="See what would happen").click()
    previewed = console.page.locator("tbody tr")
    assert previewed.count() == count
    console.page.get_by_label("Why?").fill("everybody goes home")
    chosen = console.page.locator("input[name=item]:checked").count()
    assert 0 < chosen < count
    console.page.locator("form.deed button.main").click()
    console.page.wait_for_url("**/console/bulk/done")
    results = console.page.locator("tbody tr")
    assert results.count() == chosen
    done = console.page.locator(".chip.done").count()
    moved_on = results.filter(has_text="It has moved on since you looked").count()
    assert done >= 1
    assert done + moved_on == chosen


def test_a_simulator_is_switched_from_its_page(console: Console) -> None:
    """And says so; what is no switch's value is refused with the reason."""
    console.open("/console/simulators")
    form = console.page.locator("form[action='/console/simulators/carrier']")
    form.get_by_label("delay seconds").fill("0.01")
    form.get_by_role("button", name="Set carrier").click()
    assert "carrier has these switches now" in console.text
    found = {one["name"]: one for one in console.json("/simulators")}
    assert found["carrier"]["faults"]["delay_seconds"] == 0.01


def test_signing_out_is_the_end(console: Console, chromium: Browser) -> None:
    """The next page asks who one is."""
    context = chromium.new_context(storage_state=console.page.context.storage_state())
    page = context.new_page()
    page.goto(f"{console.night.url}/console")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/console/login")
    page.goto(f"{console.night.url}/console/audit")
    assert page.get_by_label("Access token").is_visible()
    context.close()
