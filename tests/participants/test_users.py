"""Names and addresses stand with users alone, and a registration is published once."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from contracts.messages.values import ContactId
from contracts.runtime import access
from contracts.runtime.contacts import Contact
from contracts.runtime.settings import Settings
from contracts.runtime.tokens import mint
from participants.users.handlers import clear, users
from participants.users.http import routes
from participants.users.remember import remember
from tests.edge import client_of
from tests.participants.bench import SIGNING_KEY, Bench, bench, migrated, new_order

PERSON = {"name": "Ann", "email": "ann@shop.example"}


@pytest.fixture
def desk(postgres: str) -> Iterator[Bench]:
    """Users at work."""
    with bench(users, migrated(postgres)) as at_work:
        yield at_work


@pytest.fixture
def http(desk: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """Its routes."""
    config = Settings(signing_key=SecretStr(SIGNING_KEY))
    monkeypatch.setattr(access, "settings", lambda: config)
    with client_of(routes(desk.host.db)) as client:
        yield client


def headers(role: str, key: str = "k") -> dict[str, str]:
    """A caller in this role, with an idempotency key."""
    token = mint(Settings(signing_key=SecretStr(SIGNING_KEY)), role, "tests")
    return {"Authorization": f"Bearer {token}", "Idempotency-Key": key}


def test_a_registration_is_published_once_however_often_it_is_sent(
    http: TestClient, desk: Bench
) -> None:
    """The same key again: the same answer, and no second event."""
    body = {"customer_id": new_order(), **PERSON}
    answers = [http.post("/users", json=body, headers=headers("shop")) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201] * 3
    assert len({answer.text for answer in answers}) == 1
    count = "SELECT count(*) FROM outbox WHERE envelope -> 'data' ->> 'customer_id' = :id"
    assert desk.rows(count, id=body["customer_id"]) == [(1,)]


def test_another_key_for_a_known_customer_is_refused(http: TestClient) -> None:
    """A customer registers once."""
    body = {"customer_id": new_order(), **PERSON}
    http.post("/users", json=body, headers=headers("shop", "one"))
    again = http.post("/users", json=body, headers=headers("shop", "two"))
    assert again.status_code == 409
    assert again.headers["content-type"] == "application/problem+json"


def test_no_event_carries_a_name_or_an_address(http: TestClient, desk: Bench) -> None:
    """Messages carry references."""
    http.post("/users", json={"customer_id": new_order(), **PERSON}, headers=headers("shop"))
    assert desk.rows("SELECT 1 FROM outbox WHERE envelope::text LIKE '%@%'") == []


def test_contacts_are_given_to_services_alone(http: TestClient, desk: Bench) -> None:
    """An administrator has every role but that of a service."""
    contact = Contact(contact_id=ContactId(new_order()), **PERSON)
    remember(desk.host.db, [contact])
    ask = {"ids": [contact.contact_id]}
    found = http.post("/internal/contacts", json=ask, headers=headers("service"))
    assert [Contact(**row) for row in found.json()] == [contact]
    assert http.post("/internal/contacts", json=ask, headers=headers("admin")).status_code == 403


def test_what_no_order_claims_is_removed_in_the_end(desk: Bench) -> None:
    """A month later, unless an order was confirmed for it."""
    old, fresh = ContactId(new_order()), ContactId(new_order())
    remember(desk.host.db, [Contact(contact_id=old), Contact(contact_id=fresh)])
    aged = "UPDATE contacts SET created_at = now() - interval '31 days' WHERE contact_id = :id"
    desk.rows(aged, id=old)
    desk.host.run(clear)  # the worker's own loop may have come first
    left = desk.rows("SELECT contact_id::text FROM contacts")
    assert (old,) not in left
    assert (fresh,) in left
