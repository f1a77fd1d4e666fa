"""What support asks about the orchestrated half: each answer on a page, in JSON, from a command."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.browser.conftest import Console
from tests.system.conftest import wait_until

CALM = timedelta(seconds=3), timedelta(seconds=13)


@pytest.fixture
def saga(console: Console) -> Any:
    """The order whose payment is in doubt, opened in the console; its saga as JSON."""
    wait_until("nothing is about to be asked", lambda: _is_calm(console))
    console.open(f"/console/orders/{console.night.orders['unknown']}")
    return console.night.saga("unknown")


def _is_calm(console: Console) -> bool:
    """Whether the next question is a while away, so that page and JSON tell of the same one."""
    due = moment(step_of(console.night.saga("unknown"), "authorize payment")["due_at"])
    left: timedelta = due - datetime.now(due.tzinfo)
    return CALM[0] < left < CALM[1]


def step_of(saga: Any, name: str) -> Any:
    """One step of a saga."""
    return next(step for step in saga["steps"] if step["name"] == name)


def why(console: Console, name: str) -> str:
    """What `concerto why` says of an order."""
    return console.night.concerto("why", console.night.orders[name])


def test_which_step_is_it_in(console: Console, saga: Any) -> None:
    """The first sentence says it."""
    assert saga["step"] == "authorize payment"
    sentence = console.page.inner_text("#sentence p >> nth=0")
    assert sentence == "The order is at authorize payment."
    assert sentence in why(console, "unknown")


def test_which_step_waits_since_when_and_until_when(console: Console, saga: Any) -> None:
    """Its row says for whom, since when, and when something is done about it."""
    step = step_of(saga, "authorize payment")
    times = console.page.locator("tr.now time")
    shown = {times.nth(n).get_attribute("datetime") for n in range(times.count())}
    assert {moment(step["sent_at"]), moment(step["due_at"])} <= {moment(each) for each in shown}
    assert step["standing"] in console.row("AuthorizePayment", "payments")
    assert f"{step['standing']} for" in why(console, "unknown")


def test_what_happens_next(console: Console, saga: Any) -> None:
    """And when."""
    step = step_of(saga, "authorize payment")
    assert f"{step['next']} in" in console.row("authorize payment")
    assert f"{step['next']} in" in why(console, "unknown")


def test_what_happens_if_this_step_fails(console: Console, saga: Any) -> None:
    """Before the pivot all is undone, after it a person is asked: of every step."""
    for step in saga["steps"]:
        assert step["if_fails"] in console.row(step["name"])
    listed = console.night.said("show", saga["id"])["steps"]
    assert [step["if_fails"] for step in listed] == [step["if_fails"] for step in saga["steps"]]


def test_which_command_was_sent_and_what_came_back(console: Console, saga: Any) -> None:
    """Message by message, with the answer and its reason."""
    listed = console.json(f"/sagas/{saga['id']}/messages")
    console.open(f"/console/orders/{saga['order_id']}?tab=messages")
    asked = next(m for m in listed if m["kind"] == "do" and m["step"] == "authorize payment")
    row = console.row("AuthorizePayment", asked["id"])
    assert "payments" in row
    assert f"{asked['result']['type'].split('.')[-1]}" in row
    assert asked["result"]["reason"] in row
    told = console.night.concerto("timeline", saga["order_id"])
    assert "authorize payment: sent to payments" in told
    assert asked["result"]["reason"] in told


def test_which_retry_policy_and_which_attempt(console: Console, saga: Any) -> None:
    """Attempt n of m and the time of the next; the definition says how often and how far apart."""
    step = step_of(saga, "authorize payment")
    assert "of 10 times" in step["tried"]
    assert step["tried"].split(",")[0][:6] in console.row("authorize payment")
    assert "of 10 times" in why(console, "unknown")
    console.open("/console/process?saga=order")
    assert "every 30 s, 10 times" in console.row("authorize payment", "AuthorizePayment")
    assert "ask QueryPayment ×10 every 30 s" in console.night.concerto("draw", "order")


def test_which_compensation_ran(console: Console) -> None:
    """Of an order whose card was declined: all of them, last first."""
    saga = console.night.saga("declined")
    console.open(f"/console/orders/{saga['id']}")
    ran = [step for step in saga["steps"] if step.get("status") == "undone"]
    assert {step["name"] for step in ran} >= {"create order", "reserve inventory"}
    for step in ran:
        assert "is done" in console.row(step["name"], step["undo_command"].split(".")[-1])
    assert "reserve inventory: undone (inventory released)" in why(console, "declined")


def test_which_compensation_is_running_and_which_is_pending(console: Console) -> None:
    """While inventory rests, its undo is under way, and that of the step before it waits."""
    saga = console.night.saga("undoing")
    console.open(f"/console/orders/{saga['id']}")
    assert step_of(saga, "reserve inventory")["status"] == "undoing"
    assert "is under way" in console.row("reserve inventory", "ReleaseInventory")
    assert "is pending" in console.row("create order", "RejectOrder")
    assert "undo sent, no answer yet" in why(console, "undoing")
    drawn = console.open(f"/console/orders/{saga['id']}?tab=flow")
    assert "undo sent, no answer yet" in drawn


@pytest.mark.parametrize("name", ["unknown", "undoing", "confirmed", "risky"])
def test_can_we_retry_and_if_not_why(console: Console, name: str) -> None:
    """What may be done is a button; what may not, says why: for each thing there is."""
    wait_until("nothing is about to be asked", lambda: _is_calm(console))
    console.open(f"/console/orders/{console.night.orders[name]}")
    saga = console.json(f"/sagas/{console.night.orders[name]}")
    if console.page.locator("#off summary").count():
        console.page.locator("#off summary").click()
    shown = " ".join(console.page.get_by_label("What you may do").all_inner_texts()).lower()
    for action in saga["actions"]:
        assert action["label"].lower() in shown
        assert action["because"].lower() in shown
    allowed = console.page.locator(".actions a").all_inner_texts()
    assert allowed == [action["label"] for action in saga["actions"] if action["allowed"]]


def test_does_it_need_a_person_why_and_who(console: Console) -> None:
    """Who is asked what, since when, until when, and what happens then."""
    order = console.night.orders["risky"]
    review = console.json(f"/reviews?saga={console.night.saga('risky')['id']}")["reviews"][0]
    for path in (f"/console/orders/{order}", "/console/attention?role=risk"):
        text = console.open(path)
        assert review["question"] in text
        assert "risk decides" in text
        assert "everything is undone unless somebody decides" in text
    listed = console.night.said("reviews", "--role", "risk")
    assert review["id"] in [one["id"] for one in listed]
    assert review["question"] in why(console, "risky")


def test_refund_retry_or_escalate(console: Console) -> None:
    """Of an order that waits for support: what may be chosen, and whom else one may ask."""
    saga = console.night.saga("short")
    console.open(f"/console/orders/{saga['id']}")
    ask = console.page.locator(".ask").inner_text()
    for choice in saga["review"]["choices"]:
        words = {"retry": "Try again", "continue": "Go on", "undo": "Undo everything"}[choice]
        assert words in ask
        assert f"may {choice}:" in why(console, "short")
    assert "Give to others" in ask
    returned = console.json(f"/sagas?q={console.night.orders['returned']}")["sagas"]
    assert {saga["saga"] for saga in returned} == {"order", "return"}
    console.open(f"/console/orders/{console.night.orders['returned']}?tab=money")
    assert "refund" in console.text


def moment(text: str | None) -> Any:
    """A time as one, however it is written."""
    return datetime.fromisoformat(text or "")
