"""Shops are told what they want to hear, signed, until they have it or are disabled for failing."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import event as listening
from standardwebhooks import Webhook

from contracts.delivery.envelope import Envelope
from contracts.messages.orders import OrderRejected
from contracts.messages.values import ContactId, CustomerId, OrderId
from contracts.runtime import problems
from contracts.runtime.settings import settings
from contracts.runtime.tokens import mint
from side_effects.webhooks.consumer import webhooks
from side_effects.webhooks.http import routes
from tests.participants.bench import Bench, bench, migrated, new_order
from tests.side_effects.heard import confirmed, event
from tests.side_effects.receiver import Receiver, receiver
from tests.simulators.running import until


@dataclass
class Shop:
    """The routes, as somebody in this role calls them."""

    client: TestClient

    def call(self, method: str, path: str = "", role: str = "shop", **body: Any) -> Any:
        """The answer to a call under /webhook-endpoints."""
        headers = {"Authorization": f"Bearer {mint(settings(), role, 'somebody')}"}
        return self.client.request(
            method, f"/webhook-endpoints{path}", json=body or None, headers=headers
        )

    def register(self, url: str, *events: str) -> dict[str, Any]:
        """A new endpoint, as it is answered once."""
        wanted: dict[str, Any] = {"events": list(events)} if events else {}
        answer = self.call("POST", url=url, **wanted)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def told(self, endpoint: dict[str, Any]) -> list[dict[str, Any]]:
        """What this endpoint was told, the newest first."""
        found: list[dict[str, Any]] = self.call("GET", f"/{endpoint['id']}/deliveries").json()[
            "deliveries"
        ]
        return found

    def look(self, endpoint: dict[str, Any]) -> dict[str, Any]:
        """The endpoint as it stands."""
        (found,) = [e for e in self.call("GET").json()["endpoints"] if e["id"] == endpoint["id"]]
        return dict(found)


@pytest.fixture
def hook() -> Iterator[Receiver]:
    """A shop's server."""
    with receiver() as running:
        yield running


@pytest.fixture
def desk(postgres: str, signed: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Webhooks at work, which may post to this machine; no endpoint is there."""
    monkeypatch.setenv("CONCERTO_TIME_SCALE", "0.01")
    monkeypatch.setenv("CONCERTO_WEBHOOK_ALLOW", "127.0.0.1")
    settings.cache_clear()
    with bench(webhooks, migrated(postgres), webhook_allow="127.0.0.1") as at_work:
        at_work.rows("DELETE FROM endpoints")
        yield at_work


@pytest.fixture
def shop(desk: Bench) -> Iterator[Shop]:
    """The routes of webhooks."""
    app = FastAPI()
    problems.install(app)
    app.include_router(routes(desk.host.db))
    with TestClient(app) as client:
        yield Shop(client)


def rejected(order: OrderId) -> Envelope:
    """OrderRejected of this order."""
    said = OrderRejected(
        order_id=order,
        customer_id=CustomerId("ann"),
        contact_id=ContactId(order),
        reason="reserve inventory: out of stock",
    )
    return event(said, order)


def states(shop: Shop, endpoint: dict[str, Any]) -> list[tuple[str, str]]:
    """Kind and state of what the endpoint was told."""
    return sorted((each["kind"], each["state"]) for each in shop.told(endpoint))


def test_each_endpoint_gets_the_events_it_wants_signed_with_its_secret(
    desk: Bench, shop: Shop, hook: Receiver
) -> None:
    """Heard twice, posted once to each; what it does not want it does not get."""
    picky, curious = shop.register(hook.url, "order.confirmed"), shop.register(hook.url)
    said = confirmed(("A", 2, 150), customer="ann")
    order = OrderId(said.subject)
    desk.host.receive([said, rejected(order)])
    desk.host.receive([said])
    both = [("order.confirmed", "delivered"), ("order.rejected", "delivered")]
    until(lambda: states(shop, curious) == both and states(shop, picky) == both[:1])
    assert len(hook.taken) == 3
    posts = [(h, b) for h, b in hook.taken if h["webhook-id"] == said.id]
    assert sorted(verifies(made, *post) for made in (picky, curious) for post in posts) == [
        False,
        False,
        True,
        True,
    ]
    body = json.loads(posts[0][1])
    assert body["type"] == "order.confirmed"
    assert not any("contact_id" in posted for _, posted in hook.taken)
    assert body["data"]["order_id"] == order
    assert body["data"]["total"] == {"amount": 300, "currency": "GBP"}


def verifies(endpoint: dict[str, Any], headers: dict[str, str], body: str) -> bool:
    """Whether the post was signed with the secret of this endpoint."""
    try:
        Webhook(endpoint["secret"]).verify(body, headers)
    except Exception:
        return False
    return True


def test_an_endpoint_that_fails_is_told_again_under_the_same_id(
    desk: Bench, shop: Shop, hook: Receiver
) -> None:
    """Until it answers 2xx; then it is not failing any more."""
    hook.status = 500
    made = shop.register(hook.url)
    said = confirmed(("A", 1, 100))
    desk.host.receive([said])
    until(lambda: len(hook.taken) >= 2)
    assert shop.look(made)["failing_since"]
    assert shop.told(made)[0]["last_error"] == "answered 500"
    hook.status = 200
    until(lambda: states(shop, made) == [("order.confirmed", "delivered")])
    assert {headers["webhook-id"] for headers, _ in hook.taken} == {said.id}
    assert shop.look(made)["failing_since"] is None
    assert shop.told(made)[0]["attempts"] == len(hook.taken)
    assert desk.rows("SELECT count(*) FROM dead_letters") == [(0,)]


def test_an_endpoint_that_fails_for_long_is_disabled_and_can_be_enabled_again(
    desk: Bench, shop: Shop, hook: Receiver
) -> None:
    """Disabled it is told nothing; enabled, it gets what waited, and not what came meanwhile."""
    hook.status = 500
    made = shop.register(hook.url)
    desk.rows("UPDATE endpoints SET failing_since = now() - interval '80 hours'")
    said = confirmed(("A", 1, 100))
    desk.host.receive([said])
    until(lambda: not shop.look(made)["enabled"])
    because = shop.look(made)["disabled_because"]
    assert because.startswith("failing since")
    assert because.endswith("answered 500")
    hook.status, tried = 200, len(hook.taken)
    desk.host.receive([confirmed(("A", 1, 100))])
    enabled = shop.call("POST", f"/{made['id']}/enable").json()
    assert (enabled["enabled"], enabled["disabled_because"]) == (True, "")
    until(lambda: states(shop, made) == [("order.confirmed", "delivered")])
    assert [headers["webhook-id"] for headers, _ in hook.taken[tried:]] == [said.id]


def test_an_endpoint_that_is_gone_is_disabled_at_once(
    desk: Bench, shop: Shop, hook: Receiver
) -> None:
    """410 Gone says so."""
    hook.status = 410
    made = shop.register(hook.url)
    desk.host.receive([confirmed(("A", 1, 100))])
    until(lambda: not shop.look(made)["enabled"])
    assert shop.look(made)["disabled_because"] == "answered 410"


def test_a_dead_endpoint_does_not_hold_up_the_others(
    desk: Bench, shop: Shop, hook: Receiver
) -> None:
    """Nobody listens at one address; the other gets every order."""
    with receiver() as closed:
        pass
    dead, alive = shop.register(closed.url), shop.register(hook.url)
    desk.host.receive([confirmed(("A", 1, 100)) for _ in range(20)])
    until(lambda: states(shop, alive) == [("order.confirmed", "delivered")] * 20)
    assert all(each["state"] != "delivered" for each in shop.told(dead))


def test_a_redirect_is_not_followed(desk: Bench, shop: Shop, hook: Receiver) -> None:
    """A 302 is a failure; nothing goes to where it points."""
    with receiver() as elsewhere:
        hook.status, hook.location = 302, elsewhere.url
        made = shop.register(hook.url)
        desk.host.receive([confirmed(("A", 1, 100))])
        until(lambda: shop.look(made)["failing_since"])
        assert shop.told(made)[0]["last_status"] == 302
        assert elsewhere.taken == []


def test_without_endpoints_an_order_costs_one_query_a_batch_and_no_row(desk: Bench) -> None:
    """Fifty orders are looked at with one query."""
    asked: list[str] = []

    def count(_: Any, __: Any, statement: str, *___: Any) -> None:
        asked.extend([statement] if "FROM endpoints" in statement else [])

    said = [confirmed(("A", 1, 100)) for _ in range(50)]
    listening.listen(desk.host.db.engine, "before_cursor_execute", count)
    desk.host.receive(said)
    listening.remove(desk.host.db.engine, "before_cursor_execute", count)
    assert len([statement for statement in asked if "SET" not in statement]) == 1
    told = "SELECT count(*) FROM webhook_deliveries WHERE event_id::text = ANY(:ids)"
    assert desk.rows(told, ids=[each.id for each in said]) == [(0,)]


def test_the_secret_is_shown_once_and_kept_out_of_what_is_to_be_sent(
    desk: Bench, shop: Shop, hook: Receiver
) -> None:
    """Neither the list nor an intent has it."""
    made = shop.register(hook.url)
    assert made["secret"].startswith("whsec_")
    desk.host.receive([confirmed(("A", 1, 100))])
    until(lambda: states(shop, made) == [("order.confirmed", "delivered")])
    assert "secret" not in shop.look(made)
    assert made["secret"] not in str(desk.rows("SELECT body::text FROM intents"))


def test_deliveries_are_read_by_cursor_and_end_with_the_endpoint(
    desk: Bench, shop: Shop, hook: Receiver
) -> None:
    """Two pages of five; after DELETE there is neither endpoint nor delivery."""
    made = shop.register(hook.url)
    desk.host.receive([confirmed(("A", 1, 100)) for _ in range(5)])
    path = f"/{made['id']}/deliveries"
    first = shop.call("GET", f"{path}?limit=3").json()
    second = shop.call("GET", f"{path}?limit=3&cursor={first['next']}").json()
    ids = [each["event_id"] for page in (first, second) for each in page["deliveries"]]
    assert (len(set(ids)), ids, second["next"]) == (5, sorted(ids, reverse=True), None)
    assert shop.call("DELETE", f"/{made['id']}").status_code == 204
    assert shop.call("GET", path).status_code == 404
    assert shop.call("DELETE", f"/{made['id']}").status_code == 404
    left = "SELECT count(*) FROM webhook_deliveries WHERE endpoint_id = :id"
    assert desk.rows(left, id=made["id"]) == [(0,)]


def test_a_removed_endpoint_in_flight_is_forgotten(desk: Bench, shop: Shop, hook: Receiver) -> None:
    """What its post comes to later changes nothing, and is no dead letter."""
    made = shop.register(hook.url)
    said = confirmed(("A", 1, 100))
    desk.host.receive([said])
    until(lambda: hook.taken)
    shop.call("DELETE", f"/{made['id']}")
    left = "SELECT state FROM intents WHERE body ->> 'event_id' = :id"
    until(lambda: not desk.rows(left, id=said.id), 5)
    assert desk.rows("SELECT count(*) FROM dead_letters") == [(0,)]


def test_only_shops_and_operators_keep_endpoints(shop: Shop) -> None:
    """Others are refused, and so is what is no address or no event."""
    url, nowhere = "https://shop.example/hooks", f"/{new_order()}"
    assert shop.call("POST", role="support", url=url).status_code == 403
    assert shop.call("GET", role="customer").status_code == 403
    assert shop.call("POST", role="operator", url=url).status_code == 201
    for unknown in ("order.burnt", "order.created"):  # a shop creates its orders itself
        assert shop.call("POST", url=url, events=[unknown]).status_code == 422
    assert shop.call("POST", url="https://10.0.0.1/hooks").json()["type"] == "/problems/not-allowed"
    assert shop.call("POST", url="http://shop.example/hooks").status_code == 422
    assert shop.call("POST", f"{nowhere}/enable").status_code == 404


def test_there_is_a_limit_to_endpoints(shop: Shop) -> None:
    """The fifty-first is refused."""
    for number in range(50):
        shop.register(f"https://shop.example/{number}")
    assert shop.call("POST", url="https://shop.example/more").status_code == 409
