"""Shops are told what they want to hear, signed, and to nobody else."""

import json
from typing import Any

from standardwebhooks import Webhook

from contracts.delivery.envelope import Envelope
from contracts.messages.orders import OrderRejected
from contracts.messages.values import ContactId, CustomerId, OrderId
from tests.counting import statements
from tests.participants.bench import Bench, new_order
from tests.side_effects.endpoints import Shop, states
from tests.side_effects.heard import confirmed, event
from tests.side_effects.receiver import Receiver, receiver
from tests.simulators.running import until


def rejected(order: OrderId) -> Envelope:
    """OrderRejected of this order."""
    said = OrderRejected(
        order_id=order,
        customer_id=CustomerId("ann"),
        contact_id=ContactId(order),
        reason="reserve inventory: out of stock",
    )
    return event(said, order)


def test_each_endpoint_gets_the_events_it_wants_signed_with_its_secret(
    posting: Bench, shop: Shop, hook: Receiver
) -> None:
    """Heard twice, posted once to each; what it does not want it does not get."""
    picky, curious = shop.register(hook.url, "order.confirmed"), shop.register(hook.url)
    said = confirmed(("A", 2, 150), customer="ann")
    order = OrderId(said.subject)
    posting.host.receive([said, rejected(order)])
    posting.host.receive([said])
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


def test_a_redirect_is_not_followed(posting: Bench, shop: Shop, hook: Receiver) -> None:
    """A 302 is a failure; nothing goes to where it points."""
    with receiver() as elsewhere:
        hook.status, hook.location = 302, elsewhere.url
        made = shop.register(hook.url)
        posting.host.receive([confirmed(("A", 1, 100))])
        until(lambda: shop.look(made)["failing_since"])
        assert shop.told(made)[0]["last_status"] == 302
        assert elsewhere.taken == []


def test_without_endpoints_an_order_costs_one_query_a_batch_and_no_row(posting: Bench) -> None:
    """Fifty orders are looked at with one query."""
    said = [confirmed(("A", 1, 100)) for _ in range(50)]
    engine = posting.host.db.engine
    assert len(statements(engine, lambda: posting.host.receive(said), "FROM endpoints")) == 1
    told = "SELECT count(*) FROM webhook_deliveries WHERE event_id::text = ANY(:ids)"
    assert posting.rows(told, ids=[each.id for each in said]) == [(0,)]
    ((state, _, reason),) = posting.receipts(said[0])
    assert (state, reason) == ("ignored", "nobody: no enabled endpoint wants order.confirmed")


def test_the_secret_is_shown_once_and_kept_out_of_what_is_to_be_sent(
    posting: Bench, shop: Shop, hook: Receiver
) -> None:
    """Neither the list nor an intent has it."""
    made = shop.register(hook.url)
    assert made["secret"].startswith("whsec_")
    posting.host.receive([confirmed(("A", 1, 100))])
    until(lambda: states(shop, made) == [("order.confirmed", "delivered")])
    assert "secret" not in shop.look(made)
    assert made["secret"] not in str(posting.rows("SELECT body::text FROM intents"))


def test_deliveries_are_read_by_cursor_and_end_with_the_endpoint(
    posting: Bench, shop: Shop, hook: Receiver
) -> None:
    """Two pages of five; after DELETE there is neither endpoint nor delivery."""
    made = shop.register(hook.url)
    posting.host.receive([confirmed(("A", 1, 100)) for _ in range(5)])
    path = f"/{made['id']}/deliveries"
    first = shop.call("GET", f"{path}?limit=3").json()
    second = shop.call("GET", f"{path}?limit=3&cursor={first['next']}").json()
    ids = [each["event_id"] for page in (first, second) for each in page["deliveries"]]
    assert (len(set(ids)), ids, second["next"]) == (5, sorted(ids, reverse=True), None)
    assert shop.call("DELETE", f"/{made['id']}").status_code == 204
    assert shop.call("GET", path).status_code == 404
    assert shop.call("DELETE", f"/{made['id']}").status_code == 404
    left = "SELECT count(*) FROM webhook_deliveries WHERE endpoint_id = :id"
    assert posting.rows(left, id=made["id"]) == [(0,)]


def test_a_removed_endpoint_in_flight_is_forgotten(
    posting: Bench, shop: Shop, hook: Receiver
) -> None:
    """What its post comes to later changes nothing, and is no dead letter."""
    made = shop.register(hook.url)
    said = confirmed(("A", 1, 100))
    posting.host.receive([said])
    until(lambda: hook.taken)
    shop.call("DELETE", f"/{made['id']}")
    left = "SELECT state FROM intents WHERE body ->> 'event_id' = :id"
    until(lambda: not posting.rows(left, id=said.id), 5)
    assert posting.rows("SELECT count(*) FROM dead_letters") == [(0,)]


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
