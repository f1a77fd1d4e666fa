"""Requests that mean harm are refused with a problem that says what is wrong."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from contracts.runtime.settings import settings
from contracts.runtime.tokens import mint

JSON = "application/json"
ORDER: dict[str, Any] = {
    "customer_id": "c1",
    "currency": "GBP",
    "lines": [{"sku": "S", "quantity": 1, "unit_price": {"amount": 1, "currency": "GBP"}}],
    "payment": {"token": "pm_card_visa"},
    "ship_to": {
        "name": "Ann",
        "email": "ann@shop.example",
        "line1": "1 Road",
        "city": "York",
        "postcode": "YO1",
        "country": "GB",
    },
}
DEEP = b"[" * 100_000 + b"]" * 100_000


def altered(**more: Any) -> bytes:
    return json.dumps({**ORDER, **more}).encode()


HOSTILE = {
    "no JSON": (b"{not json", 422),
    "not UTF-8": (b'{"a": "\xff"}', 400),
    "no object": (b"[]", 422),
    "nothing": (b"", 422),
    "NUL in a text": (altered(ship_to={**ORDER["ship_to"], "name": "a\0b"}), 422),
    "a lone surrogate": (altered(ship_to={**ORDER["ship_to"], "name": "\ud800"}), 422),
    "a huge number": (altered(lines=[{**ORDER["lines"][0], "quantity": 10**400}]), 422),
    "a number of many digits": (b'{"currency": ' + b"9" * 100_000 + b"}", 400),
    "NaN": (altered(lines=[{**ORDER["lines"][0], "quantity": float("nan")}]), 422),
    "deep nesting": (b'{"lines": ' + DEEP + b"}", 400),
    "5 MB": (altered(customer_id="c" * 5_000_000), 413),
    "an unknown field": (altered(price=1), 422),
}


def call(
    api: str, method: str, path: str, body: Any = None, role: str = "shop", **headers: str
) -> tuple[int, str, Any]:
    """Status, content type and JSON of the answer."""
    connection = http.client.HTTPConnection(urlsplit(api).netloc, timeout=20)
    told = {"Content-Type": JSON, "Idempotency-Key": "k", **headers}
    if role:
        told["Authorization"] = f"Bearer {mint(settings(), role, 'hostile')}"
    connection.request(method, path, body, told)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.headers.get_content_type(), json.loads(text.splitlines()[0])


def refused(answer: tuple[int, str, Any], status: int) -> None:
    assert answer[0] == status, answer
    assert answer[1] == "application/problem+json"
    assert answer[2]["title"]
    assert answer[2]["detail"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_order_is_refused(api: str, name: str) -> None:
    """With a 4xx problem; and the next good order is accepted."""
    body, status = HOSTILE[name]
    refused(call(api, "POST", "/orders", body), status)
    assert call(api, "POST", "/orders", altered())[0] == 202


def test_a_streamed_body_is_counted(api: str) -> None:
    """Without a Content-Length, 5 MB are refused as well."""
    chunks = (b" " * 50_000 for _ in range(100))
    refused(call(api, "POST", "/orders", chunks), 413)


def test_a_wrong_content_type_is_refused(api: str) -> None:
    """JSON only."""
    refused(call(api, "POST", "/orders", altered(), **{"Content-Type": "text/plain"}), 422)


def test_a_caller_without_a_token_or_with_the_wrong_role_is_refused(api: str) -> None:
    """401 and 403, before anything is looked at."""
    refused(call(api, "POST", "/orders", altered(), role=""), 401)
    refused(call(api, "POST", "/orders", altered(), role="customer"), 403)


@pytest.mark.parametrize("path", ["/stock/a%00b", "/reviews/a%00b/decision", "/sagas?q=%00"])
def test_a_nul_in_the_address_is_refused(api: str, path: str) -> None:
    """No table can keep it: 400 wherever it stands."""
    method = "POST" if path.endswith("decision") else "GET"
    refused(call(api, method, path), 400)


def test_a_wrong_method_or_path_is_a_problem(api: str) -> None:
    """405 and 404 say what to do."""
    refused(call(api, "DELETE", "/orders"), 405)
    refused(call(api, "GET", "/nowhere"), 404)


def test_the_neighbours_of_a_bad_order_are_accepted(api: str) -> None:
    """A batch answers each order by itself: a lone surrogate in one harms no other."""
    bad = {**ORDER, "key": "b", "ship_to": {**ORDER["ship_to"], "name": "\ud800"}}
    body = json.dumps({"orders": [{**ORDER, "key": "a"}, bad]}).encode()
    status, kind, first = call(api, "POST", "/orders:batch", body)
    assert (status, kind) == (202, "application/jsonl")
    assert first["key"] == "a"
    assert first["id"]
