"""One order whole: its timeline, its messages, what is expected of it, and what caused what."""

from datetime import timedelta
from typing import Any

import pytest

from contracts.delivery.envelope import Envelope
from contracts.messages.shipping import ShippingRequested
from contracts.messages.trail import DeliveryState, Receipt
from contracts.messages.values import MessageId, OrderId, derived, saga_id_of
from orchestrator.core.sample import example_of
from side_effects.trail.consumer import take
from tests.overview.conftest import Platform


@pytest.fixture(scope="module")
def order(platform: Platform) -> str:
    """A confirmed order that no carrier has taken yet."""
    return platform.order()


def flat(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries with their children."""
    return [each for entry in entries for each in (entry, *flat(entry["children"]))]


def event_of(platform: Platform, order: str, kind: str) -> str:
    """The id of the order's event of that name."""
    events = platform.get(f"/events?order={order}")["events"]
    ids = (event["id"] for event in events if event["type"] == f"concerto.{kind}.v1")
    return str(next(ids))


def test_the_timeline_tells_of_commands_with_what_came_back(platform: Platform, order: str) -> None:
    """Each command once, at the time it was sent, its result below it, in the journal's words."""
    told = platform.get(f"/sagas/{order}/timeline")
    assert told["order_id"] == order
    entries = told["entries"]
    assert [entry["at"] for entry in entries] == sorted(entry["at"] for entry in entries)
    assert (entries[0]["kind"], entries[0]["text"]) == ("started", "the order begins")
    commands = [entry for entry in entries if entry["kind"] == "command"]
    assert [entry["step"] for entry in commands][:3] == [
        "create order",
        "check fraud",
        "reserve inventory",
    ]
    assert commands[0]["text"] == "create order: sent to orders"
    (result,) = commands[0]["children"]
    assert (result["kind"], result["text"]) == ("result", "create order: order created")
    assert commands[-1]["step"] == "start shipping"
    assert commands[-1]["children"] == []


def test_the_fan_out_hangs_under_the_event(platform: Platform, order: str) -> None:
    """Every subscriber of OrderConfirmed: who handled it, and who has not reported yet."""
    entries = platform.get(f"/sagas/{order}/timeline")["entries"]
    (confirmed,) = [e for e in entries if e["text"].startswith("OrderConfirmed")]
    assert confirmed["kind"] == "event"
    texts = {child["service"]: child["text"] for child in confirmed["children"]}
    assert texts["analytics"] == "handled by analytics"
    assert texts["crm"] == "not heard yet at crm"
    assert all(child["kind"] == "delivery" for child in confirmed["children"])
    assert not [e for e in flat(entries) if e["text"] == "OrderConfirmed published"]


def test_messages_say_what_was_sent_and_what_came_back(platform: Platform, order: str) -> None:
    """Every command with its result and its data; the last one without."""
    listed = platform.get(f"/sagas/{saga_id_of(order)}/messages")
    created = listed[0]
    assert (created["type"], created["to"], created["again"]) == ("CreateOrder", "orders", 0)
    assert created["result"]["type"] == "OrderCreated"
    assert created["result"]["data"]["order_id"] == order
    assert (listed[-1]["step"], listed[-1]["result"]) == ("start shipping", None)


def test_what_followed_is_seen_and_what_is_open_is_named(platform: Platform, order: str) -> None:
    """Public results and the saga's event are in the log; CRM has not reported."""
    listed = platform.get(f"/sagas/{order}/expected")
    seen = {one["type"]: one for one in listed if one["seen"]}
    assert {"OrderCreated", "PaymentAuthorized", "OrderConfirmed"} <= set(seen)
    assert seen["OrderConfirmed"]["because"] == "the order decided it"
    assert seen["OrderConfirmed"]["event_id"] == event_of(platform, order, "OrderConfirmed")
    unheard = [one for one in listed if one["source"] == "crm"]
    assert [(one["type"], one["seen"], one["late"]) for one in unheard] == [
        ("OrderConfirmed", False, False)
    ]


def test_an_event_that_nobody_published_is_missed(platform: Platform) -> None:
    """Shipping answers and publishes nothing: its event is expected, and late after a while."""
    order = platform.order()
    sent = platform.get(f"/sagas/{order}/messages")[-1]
    some: Any = example_of(ShippingRequested)
    answer = Envelope(
        id=MessageId(derived(sent["id"], "answer")),
        message=type(some)(**{**vars(some), "order_id": OrderId(order)}),
        source="shipping",
        at=platform.rows("trail", "SELECT now() AS at")[0].at,
        subject=order,
        saga=saga_id_of(order),
        cause=sent["id"],
    )
    platform.memory.hosts["orchestrator"].receive([answer])

    def missing() -> dict[str, Any]:
        listed = platform.get(f"/sagas/{order}/expected")
        return next(one for one in listed if one["type"] == "ShippingRequested")

    assert (missing()["seen"], missing()["late"], missing()["source"]) == (False, False, "shipping")
    entries = platform.get(f"/sagas/{order}/timeline")["entries"]
    assert [e["kind"] for e in entries if "ShippingRequested" in e["text"]] == ["expected"]
    assert [e["kind"] for e in entries if e["text"] == "the order is completed"] == ["ended"]
    platform.rows(
        "orchestrator",
        "UPDATE journal SET at = at - :ago WHERE saga_id = :saga",
        ago=timedelta(hours=1),
        saga=saga_id_of(order),
    )
    assert missing()["late"]


def test_an_event_says_what_caused_it_up_to_the_request(platform: Platform, order: str) -> None:
    """OrderConfirmed: the command it answers, its step, its saga, and what the customer sent."""
    told = platform.get(f"/events/{event_of(platform, order, 'OrderConfirmed')}")
    assert told["caused_by"]["type"] == "ConfirmOrder"
    assert {d["subscriber"] for d in told["deliveries"]} >= {"email", "crm", "analytics"}
    node, way = told["tree"], []
    while node:
        way.append((node["kind"], node["type"]))
        node = next(iter(node["children"]), None)
    assert way == [
        ("request", "POST /orders"),
        ("saga", "order"),
        ("command", "ConfirmOrder"),
        ("event", "OrderConfirmed"),
    ]


def test_an_event_of_nobodys_saga_is_its_own_root(platform: Platform) -> None:
    """A registration is caused by nothing that is known here."""
    person = {"customer_id": "ann", "name": "Ann", "email": "ann@shop.example"}
    platform.call("POST", "/users", person, **{"Idempotency-Key": "ann"})
    platform.memory.hosts["users"].relay.sweep(100)
    platform.memory.settle()
    events = platform.get("/events")["events"]
    (registered,) = [e for e in events if e["type"] == "concerto.UserRegistered.v1"]
    told = platform.get(f"/events/{registered['id']}")
    assert told["caused_by"] is None
    assert (told["tree"]["type"], told["tree"]["children"]) == ("UserRegistered", [])


def test_a_review_stands_in_the_timeline_with_its_decision(platform: Platform) -> None:
    """Who was asked, and who decided what; what was undone then, and how it ended."""
    order = platform.order(price=1_000_001)
    (review,) = [r for r in platform.get("/reviews")["reviews"] if r["order_id"] == order]
    body = {"choice": "undo", "reason": "an unknown customer"}
    platform.call("POST", f"/reviews/{review['id']}/decision", body)
    platform.memory.settle()
    entries = platform.get(f"/sagas/{order}/timeline")["entries"]
    kinds = {entry["kind"]: entry["text"] for entry in entries}
    assert kinds["review"].startswith("risk is asked: It looks like fraud.")
    assert kinds["decided"] == "somebody chose undo: an unknown customer"
    assert kinds["ended"].startswith("the order is undone")
    assert "audit" not in kinds
    undo = [e for e in entries if e["kind"] == "command" and "undo sent" in e["text"]]
    assert undo[0]["children"][0]["text"] == "create order: undone (order rejected)"


def test_nobody_knows_what_is_not_there(platform: Platform) -> None:
    """404, a problem document."""
    nobody = "01234567-0000-8000-8000-000000000000"
    for path in ("timeline", "messages", "expected"):
        assert platform.get(f"/sagas/{nobody}/{path}", 404)["type"] == "/problems/not-found"
    platform.get(f"/events/{nobody}", 404)


def test_each_attempt_of_a_delivery_stands_below_it(platform: Platform) -> None:
    """Failed twice with what, and handled then: three attempts, in their order."""
    order = platform.order()
    event_id = MessageId(event_of(platform, order, "OrderConfirmed"))
    came: list[tuple[int, DeliveryState, str]] = [
        (1, "retrying", "OSError: away"),
        (2, "retrying", "OSError: still away"),
        (3, "handled", ""),
    ]
    receipts = [
        Receipt(event_id=event_id, subscriber="crm", state=state, attempts=n, reason=reason)
        for n, state, reason in came
    ]
    platform.memory.hosts["trail"].run(lambda session: take(receipts, session))
    entries = flat(platform.get(f"/sagas/{order}/timeline")["entries"])
    assert [e["text"] for e in entries if e["kind"] == "attempt" and e["service"] == "crm"] == [
        "attempt 1, retrying: OSError: away",
        "attempt 2, retrying: OSError: still away",
        "attempt 3, handled",
    ]
