"""What support asks about the half that reacts: each answer on a page, in JSON, from a command."""

from typing import Any

from tests.browser.conftest import Console


def test_who_subscribes(console: Console) -> None:
    """To each event, by name."""
    console.open("/console/process")
    known = console.json("/process")["subscribers"]
    for event, names in known.items():
        code = console.page.locator(f"code:text-is('{short(event)}')")
        row = console.page.locator("section:has(#hears) tr", has=code).inner_text()
        assert all(name in row for name in names)
    heard = {one["subscriber"] for one in console.night.said("consumers")}
    confirmed = next(names for event, names in known.items() if short(event) == "OrderConfirmed")
    assert set(confirmed) <= heard


def test_who_consumed_this_event(console: Console) -> None:
    """Every subscriber with its state; the same from the command."""
    event = console.night.event("confirmed")
    console.open(f"/console/events/{event['id']}")
    deliveries = console.json(f"/events/{event['id']}/deliveries")
    assert len(deliveries) > 5
    for delivery in deliveries:
        shown = delivery["state"] if delivery["heard"] else "not heard yet"
        assert shown in console.row(delivery["subscriber"])
    listed = console.night.said("events", console.night.orders["confirmed"])
    mine = next(one for one in listed if one["id"] == event["id"])
    assert {(d["subscriber"], d["state"]) for d in mine["deliveries"]} == {
        (d["subscriber"], d["state"]) for d in deliveries
    }


def test_which_consumer_failed_how_often_and_with_what(console: Console) -> None:
    """Search may not write: its attempts, its error, and when it is tried next."""
    event = console.night.event("unheard")
    console.open(f"/console/events/{event['id']}")
    failed = of(console.json(f"/events/{event['id']}/deliveries"), "search")
    row = console.row("search")
    assert failed["state"] in ("retrying", "dead")
    assert failed["state"] in row
    assert failed["last_error"].splitlines()[0] in row
    listed = console.night.said("events", console.night.orders["unheard"])
    mine = next(one for one in listed if one["id"] == event["id"])
    assert of(mine["deliveries"], "search")["last_error"] == failed["last_error"]
    assert "search" in console.open("/console/failures")
    assert any(one["service"] == "search" for one in console.night.said("failures"))


def test_was_it_retried_and_is_it_in_the_dead_letters(console: Console) -> None:
    """A mailbox refused the mail for good: a dead letter, with the reason."""
    order = console.night.orders["unmailed"]
    (letter,) = console.json(f"/dead-letters?service=email&subject={order}")["dead_letters"]
    console.open("/console/dead-letters?service=email")
    row = console.row(order)
    assert letter["reason"] in row
    assert str(letter["attempts"]) in row
    assert letter["id"] in [one["id"] for one in console.night.said("dead")]
    event = console.night.event("unmailed")
    console.open(f"/console/events/{event['id']}")
    assert "dead" in console.row("email")


def test_was_an_event_ignored_and_why(console: Console) -> None:
    """Onboarding is sent what it does not handle, and says so."""
    event = console.night.event("confirmed", "PaymentAuthorized")
    console.open(f"/console/events/{event['id']}")
    ignored = of(console.json(f"/events/{event['id']}/deliveries"), "onboarding")
    assert ignored["state"] == "ignored"
    assert ignored["ignored_because"]
    assert ignored["ignored_because"] in console.row("onboarding", "ignored")
    listed = console.night.said("events", console.night.orders["confirmed"])
    mine = next(one for one in listed if one["id"] == event["id"])
    assert of(mine["deliveries"], "onboarding")["ignored_because"] == ignored["ignored_because"]


def test_a_preference_is_why_an_event_is_ignored(console: Console) -> None:
    """Email leaves alone who wants no such mail, on the page, in JSON and from the command."""
    event = console.night.event("unwanted")
    console.open(f"/console/events/{event['id']}")
    ignored = of(console.json(f"/events/{event['id']}/deliveries"), "email")
    assert ignored["ignored_because"] == "preference: no confirmation mail is wanted"
    assert ignored["ignored_because"] in console.row("email", "ignored")
    told = console.night.concerto("timeline", console.night.orders["unwanted"])
    assert ignored["ignored_because"] in told


def test_a_call_outside_that_fails_is_seen_at_its_event(console: Console) -> None:
    """The CRM is down: its service tries again, and says why."""
    event = console.night.event("unheard")
    console.open(f"/console/events/{event['id']}")
    failed = of(console.json(f"/events/{event['id']}/deliveries"), "crm")
    assert failed["state"] in ("retrying", "dead")
    assert failed["last_error"].splitlines()[0] in console.row("crm", failed["state"])


def test_which_service_should_have_published_next_and_did_not(console: Console) -> None:
    """Recommendation rests: what is expected of it, since when, and why."""
    order = console.night.orders["unheard"]
    missing = [one for one in console.json(f"/sagas/{order}/expected") if not one["seen"]]
    assert "recommendation" in {one["source"] for one in missing}
    text = console.open(f"/console/orders/{order}")
    assert "Expected, not seen yet" in text
    for one in missing:
        assert one["because"] in text
    told = console.night.concerto("timeline", order)
    assert "recommendation" in told
    event = console.night.event("unheard")
    console.open(f"/console/events/{event['id']}")
    assert "not heard yet" in console.row("recommendation")


def test_what_was_caused_by_what(console: Console) -> None:
    """From the customer's request through saga and command to the event, in this order."""
    event = console.night.event("confirmed")
    whole = console.json(f"/events/{event['id']}")["tree"]
    console.open(f"/console/events/{event['id']}")
    shown = console.page.locator(".tree").inner_text()
    places = [shown.index(short(node["type"])) for node in flat(whole)]
    assert len(places) >= 3
    assert places == sorted(places)
    told = console.night.said("timeline", console.night.orders["confirmed"])["entries"]
    assert event["id"] in [entry["id"] for entry in told if entry["kind"] == "event"]


def of(deliveries: Any, subscriber: str) -> Any:
    """The delivery at one subscriber."""
    return next(each for each in deliveries if each["subscriber"] == subscriber)


def flat(node: Any) -> list[Any]:
    """A node and all below it, as they are read."""
    return [node, *(each for child in node["children"] for each in flat(child))]


def short(kind: str) -> str:
    """`concerto.OrderConfirmed.v1` as `OrderConfirmed`."""
    parts = kind.split(".")
    return parts[1] if len(parts) > 2 else kind
