"""A checklist starts with the registration and is ticked by what happens, in any order."""

from collections.abc import Iterator
from itertools import count, permutations
from typing import Any

import pytest
from fastapi.testclient import TestClient

from contracts.delivery.envelope import Envelope
from contracts.messages.users import UserRegistered
from contracts.messages.values import ContactId, CustomerId, time_of
from side_effects.onboarding.consumer import onboarding
from side_effects.onboarding.http import routes
from tests.participants.bench import new_order
from tests.side_effects.edge import asked, bearer
from tests.side_effects.heard import Subscriber, confirmed, event, subscriber

NUMBERS = count(1)


@pytest.fixture(scope="module")
def desk(postgres: str) -> Iterator[Subscriber]:
    """Onboarding, told of events."""
    with subscriber(onboarding, postgres, "trail") as at_work:
        yield at_work


@pytest.fixture
def client(desk: Subscriber, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The shop."""
    with asked(routes(desk.host.db), monkeypatch) as asking:
        asking.headers.update(bearer("shop"))
        yield asking


def customer() -> CustomerId:
    """Somebody nobody has heard of."""
    return CustomerId(f"new-{next(NUMBERS)}")


def registered(who: CustomerId) -> Envelope:
    """UserRegistered, just now."""
    contact = new_order()
    return event(UserRegistered(customer_id=who, contact_id=ContactId(contact)), contact)


def done(client: TestClient, who: CustomerId) -> dict[str, Any]:
    """When each item was done, None if not yet."""
    items = client.get(f"/onboarding/{who}").json()["items"]
    return {item["item"]: item["done_at"] for item in items}


def moment(found: str) -> str:
    """A time as JSON has it."""
    return time_of(found).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
@pytest.mark.parametrize("at_once", [True, False])
def test_the_first_order_is_ticked_whatever_is_heard_first(
    desk: Subscriber, client: TestClient, order: tuple[int, ...], at_once: bool
) -> None:
    """A registration and two orders in any order, together or one by one, each of them twice."""
    who = customer()
    said = [registered(who), *(confirmed(("A", 1, 1), customer=who) for _ in range(2))]
    mixed = [said[number] for number in order] * 2
    for batch in [mixed] if at_once else [[one] for one in mixed]:
        desk.host.receive(batch)
    found = client.get(f"/onboarding/{who}").json()
    assert found["started_at"] == moment(said[0].subject)
    assert done(client, who)["first_order"] == moment(said[1].subject)
    assert found["complete"] is False


def test_whoever_orders_without_registering_has_no_checklist(
    desk: Subscriber, client: TestClient
) -> None:
    """Not even one to tick."""
    who = customer()
    desk.host.receive([confirmed(("A", 1, 1), customer=who)])
    assert client.get(f"/onboarding/{who}").status_code == 404
    assert client.put(f"/onboarding/{who}/preferences").status_code == 404


def test_what_no_event_tells_is_ticked_over_http_once(desk: Subscriber, client: TestClient) -> None:
    """The first time stays; with all three the list is complete."""
    who = customer()
    desk.host.receive([registered(who), confirmed(("A", 1, 1), customer=who)])
    first = client.put(f"/onboarding/{who}/preferences").json()
    assert client.put(f"/onboarding/{who}/preferences").json() == first
    assert client.put(f"/onboarding/{who}/welcome_mail").json()["complete"] is True
    assert client.put(f"/onboarding/{who}/first_order").status_code == 422


def test_a_customer_sees_its_own_list_only(desk: Subscriber, client: TestClient) -> None:
    """That of another is not there."""
    who = customer()
    desk.host.receive([registered(who)])
    path = f"/onboarding/{who}"
    assert client.get(path, headers=bearer("customer", who)).status_code == 200
    assert client.get(path, headers=bearer("customer", "other")).status_code == 404
    assert client.get(path, headers=bearer("operator")).status_code == 403
