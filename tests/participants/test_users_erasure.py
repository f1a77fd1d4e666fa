"""A person is told all that users keeps about them, and is erased for good."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from contracts.messages.orders import OrderConfirmed
from contracts.messages.values import ContactId, CustomerId, Money, OrderId
from contracts.runtime.contacts import Contact
from contracts.runtime.settings import settings
from contracts.runtime.tokens import mint
from participants.users.handlers import erase_late, users
from participants.users.http import routes
from participants.users.remember import remember
from tests.edge import client_of
from tests.participants.bench import Bench, bench, migrated, new_order

PERSON = {"name": "Ann", "email": "ann@shop.example", "line1": "1 High Street", "country": "GB"}
HOME = {**PERSON, "city": "Leeds", "postcode": "LS1"}
PERSONAL = ("name", "email", "line1", "city", "postcode", "country")


@pytest.fixture(scope="module")
def desk(postgres: str) -> Iterator[Bench]:
    """Users at work."""
    with bench(users, migrated(postgres)) as at_work:
        yield at_work


@pytest.fixture
def http(desk: Bench, signed: None) -> Iterator[TestClient]:
    """Its routes."""
    with client_of(routes(desk.host.db)) as client:
        yield client


def bearer(role: str, subject: str = "somebody") -> dict[str, str]:
    """A caller in this role."""
    return {
        "Authorization": f"Bearer {mint(settings(), role, subject)}",
        "Idempotency-Key": "k",
    }


def customer() -> CustomerId:
    """A customer nobody has heard of."""
    return CustomerId(f"c-{new_order()}")


def registered(http: TestClient) -> CustomerId:
    """A customer who registered."""
    who = customer()
    body = {"customer_id": who, **HOME}
    headers = {**bearer("shop"), "Idempotency-Key": who}
    assert http.post("/users", json=body, headers=headers).status_code == 201
    return who


def contact() -> Contact:
    """The contact of an order that was submitted just now."""
    return Contact(contact_id=ContactId(new_order()), **HOME)


def confirm(desk: Bench, who: CustomerId, whose: Contact) -> None:
    """The order of this contact is confirmed."""
    event = OrderConfirmed(
        order_id=OrderId(new_order()),
        customer_id=who,
        contact_id=whose.contact_id,
        lines=(),
        total=Money(amount=1, currency="GBP"),
    )
    desk.send_all([event])


def erased(http: TestClient, who: CustomerId) -> None:
    """The customer is erased by support."""
    answer = http.delete(f"/users/{who}", headers=bearer("support", "sue"))
    assert (answer.status_code, answer.content) == (204, b"")


def given(http: TestClient, whose: Contact) -> dict[str, Any]:
    """What a service, such as shipping, is told of a contact."""
    ask = {"ids": [whose.contact_id]}
    (found,) = http.post("/internal/contacts", json=ask, headers=bearer("service")).json()
    return {name: found[name] for name in PERSONAL}


def entries(desk: Bench, who: CustomerId) -> list[tuple[Any, ...]]:
    """Who had the customer erased, and how many contacts that emptied."""
    query = "SELECT caller, role, contacts FROM erasure_entries WHERE customer_id = :who"
    return desk.rows(f"{query} ORDER BY id", who=who)


def test_a_person_is_told_everything_that_is_kept(http: TestClient, desk: Bench) -> None:
    """The registration, and each contact with its times."""
    who, ordered = registered(http), contact()
    remember(desk.host.db, [ordered])
    confirm(desk, who, ordered)
    found = http.get(f"/users/{who}/export", headers=bearer("customer", who)).json()
    assert found["registration"]["caller"] == "somebody"
    assert found["registration"]["key"] == who
    assert {c["contact_id"] for c in found["contacts"]} == {
        found["registration"]["contact_id"],
        ordered.contact_id,
    }
    assert all({name: c[name] for name in PERSONAL} == HOME for c in found["contacts"])
    assert all(c["claimed_at"] and c["created_at"] for c in found["contacts"])
    assert found["erasures"] == []


def test_the_export_names_every_column_that_is_kept(http: TestClient, desk: Bench) -> None:
    """A column somebody adds is exported, too."""
    found = http.get(f"/users/{registered(http)}/export", headers=bearer("admin")).json()
    columns = desk.rows(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = 'users' AND table_name IN ('users', 'contacts')"
    )
    told = {"customer_id", *found["registration"], *found["contacts"][0]}
    assert {name for (name,) in columns} <= told


def test_others_are_told_nothing_and_erase_nobody(http: TestClient, desk: Bench) -> None:
    """Another customer finds nobody there; a shop and an operator may not ask."""
    who = registered(http)
    path = f"/users/{who}"
    for role, status in (("customer", 404), ("shop", 403), ("operator", 403), ("service", 403)):
        assert http.get(f"{path}/export", headers=bearer(role)).status_code == status
        assert http.delete(path, headers=bearer(role)).status_code == status
    unknown = http.get(f"/users/{customer()}/export", headers=bearer("support"))
    assert unknown.status_code == 404
    assert entries(desk, who) == []


def test_an_erased_person_leaves_ids_and_nothing_else(http: TestClient, desk: Bench) -> None:
    """In no table of users stands the name any more; ids and times stay, and who erased them."""
    who, ordered = registered(http), contact()
    remember(desk.host.db, [ordered])
    confirm(desk, who, ordered)
    erased(http, who)
    found = http.get(f"/users/{who}/export", headers=bearer("support")).json()
    assert len(found["contacts"]) == 2
    assert all({c[name] for name in PERSONAL} == {""} for c in found["contacts"])
    assert all(c["erased_at"] for c in found["contacts"])
    (entry,) = found["erasures"]
    assert (entry["caller"], entry["role"], entry["contacts"]) == ("sue", "support", 2)
    assert given(http, ordered) == dict.fromkeys(PERSONAL, "")


def test_no_row_of_any_table_has_the_name_of_who_was_erased(http: TestClient, desk: Bench) -> None:
    """Neither delivery's tables nor those of users; messages carry references."""
    who, ordered = customer(), Contact(contact_id=ContactId(new_order()), name="Zebedee Quince")
    remember(desk.host.db, [ordered], {ordered.contact_id: who})
    confirm(desk, who, ordered)
    erased(http, who)
    tables = desk.rows(
        "SELECT table_name FROM information_schema.tables WHERE table_schema='users'"
    )
    for (table,) in tables:
        said = desk.rows(f"SELECT 1 FROM {table} AS row WHERE row::text LIKE '%Zebedee%'")
        assert said == [], table


def test_whoever_keeps_something_of_a_person_hears_of_the_erasure(
    http: TestClient, desk: Bench
) -> None:
    """Also of somebody of whom nothing is kept here."""
    for who in (registered(http), customer()):
        erased(http, who)
        told = "SELECT envelope->'data'->>'customer_id' FROM outbox WHERE envelope->>'type' = :kind"
        assert (who,) in desk.rows(told, kind="concerto.UserErased.v1")


def test_erasing_again_changes_nothing(http: TestClient, desk: Bench) -> None:
    """One entry, of who did it first; also of somebody of whom nothing was kept."""
    for who in (registered(http), customer()):
        erased(http, who)
        before = desk.rows("SELECT * FROM contacts WHERE customer_id = :who", who=who)
        assert http.delete(f"/users/{who}", headers=bearer("customer", who)).status_code == 204
        assert desk.rows("SELECT * FROM contacts WHERE customer_id = :who", who=who) == before
        assert entries(desk, who) == [("sue", "support", len(before))]


def test_an_open_order_loses_its_address_at_once_if_its_owner_was_told(
    http: TestClient, desk: Bench
) -> None:
    """Nobody has claimed it yet; a repeated submit does not bring it back."""
    who, ordered, others = customer(), contact(), contact()
    remember(desk.host.db, [ordered, others], {ordered.contact_id: who})
    erased(http, who)
    remember(desk.host.db, [ordered], {ordered.contact_id: who})
    assert given(http, ordered) == dict.fromkeys(PERSONAL, "")
    assert given(http, others) == HOME


@pytest.mark.parametrize("times", [1, 2])
def test_an_open_order_loses_its_address_at_the_latest_when_it_is_confirmed(
    http: TestClient, desk: Bench, times: int
) -> None:
    """Of whom it is was not told before; shipping comes after, and finds no address any more."""
    who, ordered = customer(), contact()
    erased(http, who)
    remember(desk.host.db, [ordered])
    for _ in range(times):
        erased(http, who)
    assert given(http, ordered) == HOME
    confirm(desk, who, ordered)
    assert given(http, ordered) == dict.fromkeys(PERSONAL, "")


def test_who_comes_back_after_the_erasure_is_a_customer_like_any_other(
    http: TestClient, desk: Bench
) -> None:
    """The erasure is for what was before it; the next one is written down again."""
    who = customer()
    erased(http, who)
    ordered = contact()
    remember(desk.host.db, [ordered])
    confirm(desk, who, ordered)
    assert given(http, ordered) == HOME
    erased(http, who)
    assert given(http, ordered) == dict.fromkeys(PERSONAL, "")
    assert [contacts for _, _, contacts in entries(desk, who)] == [0, 1]


def test_what_was_claimed_at_the_very_time_of_the_erasure_is_found_later(
    http: TestClient, desk: Bench
) -> None:
    """The claim had not seen the erasure, and the erasure not the claim."""
    who, ordered = customer(), contact()
    remember(desk.host.db, [ordered])
    erased(http, who)
    claimed = "UPDATE contacts SET customer_id = :who WHERE contact_id = :id"
    desk.rows(claimed, who=who, id=ordered.contact_id)
    desk.host.run(erase_late)  # the worker's own loop may have come first
    assert given(http, ordered) == dict.fromkeys(PERSONAL, "")


@pytest.mark.parametrize(
    "change", ["UPDATE erasure_entries SET caller = ''", "DELETE FROM erasure_entries"]
)
def test_who_erased_whom_cannot_be_changed(desk: Bench, change: str) -> None:
    """The role of users may do neither."""
    with desk.host.db.session() as session:
        session.execute(text("SET LOCAL ROLE concerto_users"))
        with pytest.raises(ProgrammingError, match="permission denied"):
            session.execute(text(change))
