"""A push goes to who opted in, once for an order, signed; and to nobody else."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook

from contracts.delivery.envelope import Envelope
from contracts.delivery.replay import replay
from contracts.messages.users import UserErased
from contracts.messages.values import CustomerId, MessageId, stamped
from contracts.runtime.settings import settings
from contracts.runtime.tokens import mint
from side_effects.notifications.consumer import notifications
from side_effects.notifications.http import routes
from tests.edge import client_of
from tests.participants.bench import Bench, bench, migrated, new_order
from tests.side_effects.heard import confirmed
from tests.side_effects.receiver import Receiver, receiver
from tests.simulators.running import CRM_SECRET, until


@pytest.fixture
def gateway() -> Iterator[Receiver]:
    """A push gateway."""
    with receiver() as running:
        yield running


@pytest.fixture
def desk(postgres: str, gateway: Receiver, signed: None) -> Iterator[Bench]:
    """Notifications at work, allowed to reach the gateway."""
    more = {"push_url": gateway.url, "push_secret": CRM_SECRET, "webhook_allow": "127.0.0.1"}
    with bench(notifications, migrated(postgres), **more) as at_work:
        yield at_work


def put(desk: Bench, customer: str, role: str = "support", **body: str) -> int:
    """Opt in; without a body, opt out. The status."""
    headers = {"Authorization": f"Bearer {mint(settings(), role, 'somebody')}"}
    with client_of(routes(desk.host.db)) as client:
        path = f"/push/{customer}"
        if body:
            return client.put(path, json=body, headers=headers).status_code
        return client.delete(path, headers=headers).status_code


def pushes(desk: Bench, *orders: str) -> list[tuple[Any, ...]]:
    """What is kept about these orders."""
    query = "SELECT order_id, channel, state FROM pushes WHERE order_id::text = ANY(:orders)"
    return desk.rows(query, orders=list(orders))


def test_who_opted_in_gets_one_signed_push(desk: Bench, gateway: Receiver) -> None:
    """Heard twice, sent once, under the event's id; who has no target gets nothing."""
    customer = f"p{new_order()}"
    assert put(desk, customer, token="device-1") == 204
    said, other = confirmed(("A", 1, 250), customer=customer), confirmed(("A", 1, 1))
    desk.host.receive([said, other])
    desk.host.receive([said])
    until(lambda: pushes(desk, said.subject))
    assert pushes(desk, said.subject, other.subject) == [(said.subject, "push", "sent")]
    ((headers, body),) = gateway.taken
    assert Webhook(CRM_SECRET).verify(body, headers)
    assert headers["webhook-id"] == said.id
    assert json.loads(body)["data"] == {
        "channel": "push",
        "to": "device-1",
        "text": "Your order is confirmed: 2.50 GBP",
        "order_id": said.subject,
    }


def test_an_outage_of_the_gateway_is_waited_out(desk: Bench, gateway: Receiver) -> None:
    """A 503 is tried again under the same id."""
    customer = f"p{new_order()}"
    put(desk, customer, token="+441234", channel="sms")
    gateway.status = 503
    said = confirmed(("A", 1, 250), customer=customer)
    desk.host.receive([said])
    until(lambda: gateway.taken)
    gateway.status = 204
    until(lambda: pushes(desk, said.subject) == [(said.subject, "sms", "sent")])
    assert {headers["webhook-id"] for headers, _ in gateway.taken} == {said.id}


def test_what_the_gateway_refuses_is_a_dead_letter(desk: Bench, gateway: Receiver) -> None:
    """A 400 is not tried again."""
    customer = f"p{new_order()}"
    put(desk, customer, token="gone")
    gateway.status = 400
    said = confirmed(("A", 1, 250), customer=customer)
    desk.host.receive([said])
    query = "SELECT reason FROM dead_letters WHERE id = :id"
    assert until(lambda: desk.rows(query, id=said.id)) == [("the gateway answered 400",)]
    assert len(gateway.taken) == 1


def test_who_opted_out_gets_none(desk: Bench, gateway: Receiver) -> None:
    """After DELETE nothing is sent and nothing kept."""
    customer = f"p{new_order()}"
    put(desk, customer, token="device-1")
    assert put(desk, customer) == 204
    said = confirmed(("A", 1, 250), customer=customer)
    desk.host.receive([said])
    heard = desk.rows("SELECT settled FROM inbox WHERE id = :id", id=said.id)
    assert (heard, pushes(desk, said.subject), gateway.taken) == ([(True,)], [], [])
    ignored = ("ignored", 1, "nobody: the customer named no target")
    assert desk.receipts(said) == [ignored]


def gone(customer: str, at: datetime) -> Envelope:
    """UserErased of this customer, published at that time."""
    said = UserErased(customer_id=CustomerId(customer))
    return Envelope(
        id=MessageId(stamped(at, "UserErased", customer)),
        message=said,
        source="users",
        at=at,
        subject=customer,
    )


def test_of_who_is_erased_no_token_is_left(desk: Bench, gateway: Receiver) -> None:
    """Neither of a target, nor of a push that was sent, nor of one that was refused; what is named
    afterwards stays."""
    refused, kept = (f"p{new_order()}" for _ in range(2))
    for customer in (refused, kept):
        put(desk, customer, token=f"device-of-{customer}")
    sent = confirmed(("A", 1, 250), customer=refused)
    desk.host.receive([sent])
    until(lambda: pushes(desk, sent.subject))
    gateway.status = 410
    said = confirmed(("A", 1, 250), customer=refused)
    desk.host.receive([said])
    letter = "SELECT 1 FROM dead_letters WHERE id = :id"
    until(lambda: desk.rows(letter, id=said.id))
    assert left(desk, refused) == {"push_targets", "intents"}
    desk.host.receive(
        [gone(refused, datetime.now(UTC)), gone(kept, datetime(2020, 1, 1, tzinfo=UTC))]
    )
    assert left(desk, refused) == set()
    assert left(desk, kept) == {"push_targets"}
    gateway.status, tried = 200, len(gateway.taken)
    assert desk.host.run(lambda session: replay(session, said.id))
    outcome = "SELECT outcome->>'reason' FROM intents WHERE envelope->>'id' = :id"
    until(lambda: desk.rows(outcome, id=said.id) == [("the customer was erased",)])
    assert len(gateway.taken) == tried


def left(desk: Bench, customer: str) -> set[str]:
    """The tables in which the token of this customer stands."""
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema='notifications'"
    token = f"%device-of-{customer}%"
    return {
        table
        for (table,) in desk.rows(query)
        if desk.rows(f"SELECT 1 FROM {table} AS row WHERE row::text LIKE :token", token=token)
    }


def test_without_a_gateway_the_push_is_recorded_as_off(postgres: str, signed: None) -> None:
    """Nothing is sent, and no dead letter is made."""
    with bench(notifications, migrated(postgres)) as desk:
        customer = f"p{new_order()}"
        put(desk, customer, token="device-1")
        said = confirmed(("A", 1, 250), customer=customer)
        desk.host.receive([said])
        until(lambda: pushes(desk, said.subject) == [(said.subject, "push", "off")])


def test_a_customer_opts_in_for_itself_alone(desk: Bench) -> None:
    """`somebody` is not somebody else; operators have no say."""
    assert put(desk, "somebody", role="customer", token="t") == 204
    assert put(desk, "else", role="customer", token="t") == 404
    assert put(desk, "somebody", role="operator", token="t") == 403
    assert put(desk, "somebody", token="t", channel="pigeon") == 422
