"""Whatever is put into a queue: it is quarantined with a reason, and the worker lives on."""

import base64
import json
import pickle
from typing import Any
from uuid import uuid4

import redis

from contracts.messages.catalogue import CONTENT_TYPE
from tests.system.conftest import Platforms, wait_until

LETTERS = "SELECT id::text AS id, reason FROM dead_letters"


def event(**more: Any) -> dict[str, Any]:
    """A CloudEvents object that inventory could read, but for what is given."""
    return {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "/concerto/nobody",
        "type": "concerto.ReleaseInventory.v1",
        "time": "2026-01-01T00:00:00+00:00",
        "subject": str(uuid4()),
        "data": {"order_id": str(uuid4())},
        **more,
    }


def batch(*events: Any) -> bytes:
    return json.dumps(events).encode()


# What is sent, its content type, and what the reason of its dead letter holds.
BAD: dict[str, tuple[bytes, str | None, str]] = {
    "not JSON": (b"{nope", CONTENT_TYPE, "not JSON"),
    "wrong content type": (batch(event()), "text/plain", "content type is 'text/plain'"),
    "unknown type": (batch(event(type="concerto.Nope.v1")), CONTENT_TYPE, "no message"),
    "unknown version": (
        batch(event(type="concerto.ReleaseInventory.v99")),
        CONTENT_TYPE,
        "v99",
    ),
    "wrong shape": (batch(event(data={"order_id": 7})), CONTENT_TYPE, "ReleaseInventory"),
    "no batch": (b'{"a": 1}', CONTENT_TYPE, "not a CloudEvents batch"),
    "5 MB": (b'["' + b"x" * 5_000_000 + b'"]', CONTENT_TYPE, "larger than"),
    "pickle": (pickle.dumps({"a": 1}), "application/x-python-serialize", "content type"),
    "deep nesting": (b"[" * 50_000 + b"]" * 50_000, CONTENT_TYPE, "not JSON"),
    "a NUL": (batch(event(subject="a\0b")), CONTENT_TYPE, "NUL"),
    "a lone surrogate": (batch(event(subject="\ud800")), CONTENT_TYPE, "not JSON"),
}
RAW = (b"\xff\x00 raw", b"[]", b'{"body": 1}', b"\x80\x04pickle")


def test_bad_messages_are_quarantined_and_the_worker_lives(whole: Platforms) -> None:
    """Each is a dead letter that says why; the same process handles the next order."""
    before = whole.pid("inventory")
    for name, (body, kind, reason) in BAD.items():
        known = letters(whole)
        send(whole, body, kind)
        wait_until(f"{name} is quarantined", lambda k=known: len(letters(whole)) > len(k), 30)  # type: ignore[misc]
        (new,) = letters(whole).keys() - known.keys()
        assert reason in letters(whole)[new]
        assert whole.pid("inventory") == before, name
    known = letters(whole)
    for garbage in RAW:
        whole.throw(garbage, "inventory")
    wait_until("all raw is quarantined", lambda: len(letters(whole)) == len(known) + len(RAW))
    assert list(whole.wait_ended(whole.submit(1)).values()) == ["completed"]
    assert whole.pid("inventory") == before


def test_the_neighbours_of_a_bad_message_are_handled(whole: Platforms) -> None:
    """A batch of a bad member and a command from nobody: one a letter, the other in the inbox."""
    good = event()
    send(whole, batch("no object", event(id="no-uuid"), good), CONTENT_TYPE)
    known = "SELECT 1 FROM inbox WHERE id = :id"
    wait_until("it is handled", lambda: bool(whole.rows("inventory", known, id=good["id"])))
    wait_until("one is quarantined", lambda: has(whole, "is no UUID"))
    assert has(whole, "not a CloudEvents object")


def letters(platform: Platforms) -> dict[str, str]:
    """The reason of each dead letter, by its id."""
    return {row.id: row.reason for row in platform.rows("inventory", LETTERS)}


def has(platform: Platforms, reason: str) -> bool:
    """Whether a dead letter of this reason is there."""
    return any(reason in each for each in letters(platform).values())


def send(platform: Platforms, body: bytes, kind: str | None, to: str = "inventory") -> None:
    """Put a body into a queue as a client of the broker would, under a content type."""
    encoded = base64.b64encode(body).decode()
    if platform.stack.broker == "rabbitmq":
        route = {"routing_key": to, "properties": {"content_type": kind}}
        payload = {"payload": encoded, "payload_encoding": "base64"}
        platform.management.call("POST", f"exchanges/{{vhost}}/to.{to}/publish", payload | route)
        return
    properties = {"delivery_tag": str(uuid4()), "body_encoding": "base64"}
    properties |= {"delivery_info": {"exchange": "", "routing_key": to}}  # type: ignore[dict-item]
    message = {"body": encoded, "content-type": kind, "content-encoding": "utf-8"}
    with redis.Redis.from_url(platform.stack.broker_for("admin")) as client:
        client.lpush(to, json.dumps({**message, "headers": {}, "properties": properties}))
