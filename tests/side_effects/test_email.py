"""Each kind of mail is sent once, in two parts, and only to those who want it."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from fastapi.testclient import TestClient

from contracts.delivery.envelope import Envelope
from contracts.messages.orders import OrderRejected
from contracts.messages.reviews import ManualReviewRequired
from contracts.messages.users import UserRegistered
from contracts.messages.values import ContactId, CustomerId, OrderId, SagaId
from contracts.runtime.contacts import Contact, Contacts
from contracts.runtime.settings import settings
from contracts.runtime.tokens import mint
from side_effects.email.consumer import email
from side_effects.email.http import routes
from side_effects.email.kinds import told
from tests.counting import statements
from tests.edge import client_of
from tests.participants.bench import Bench, bench, migrated, new_order
from tests.side_effects.heard import confirmed, event
from tests.side_effects.mailbox import Server, mailbox, parts
from tests.simulators.running import until

NAME = "Ann <b>Lee</b>"


def address(contact: str) -> str:
    """Where users would say that this contact is reached."""
    return f"{contact}@shop.example"


@pytest.fixture
def server() -> Iterator[tuple[Server, str]]:
    """A mail server."""
    with mailbox() as running:
        yield running


@pytest.fixture
def desk(
    postgres: str, server: tuple[Server, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    """Email at work; users would answer so."""

    async def get(_: Contacts, contact_id: ContactId) -> Contact:
        return Contact(contact_id=contact_id, name=NAME, email=address(contact_id))

    monkeypatch.setattr(Contacts, "get", get)
    with bench(email, migrated(postgres), smtp_url=server[1]) as at_work:
        yield at_work


@pytest.fixture
def edge(desk: Bench, signed: None) -> Iterator[TestClient]:
    """The preferences over HTTP."""
    with client_of(routes(desk.host.db)) as client:
        yield client


def rejected(order: OrderId, reason: str, which: str = "", customer: str = "c") -> Envelope:
    """OrderRejected of this order, told to the contact of the same id."""
    said = OrderRejected(
        order_id=order, customer_id=CustomerId(customer), contact_id=ContactId(order), reason=reason
    )
    return event(said, order, which)


def reviewed(order: OrderId, review: str, customer: str = "c", contact: str = "") -> Envelope:
    """ManualReviewRequired about this order, of a saga that knows this contact."""
    said = ManualReviewRequired(
        saga_id=SagaId(order),
        order_id=order,
        customer_id=CustomerId(customer),
        contact_id=ContactId(contact),
        review_id=review,
        question="Well?",
        owner="risk",
    )
    return event(said, order, review)


def states(desk: Bench, order: str) -> dict[str, tuple[str, str]]:
    """State and reason of each kind of mail about this order."""
    query = "SELECT kind, state, reason FROM mails WHERE subject = :order"
    return {kind: (state, why) for kind, state, why in desk.rows(query, order=order)}


def sent(desk: Bench, order: str, kind: str) -> bool:
    """Whether the mail of this kind was sent."""
    return states(desk, order).get(kind, ("", ""))[0] == "sent"


def headers(role: str, subject: str = "somebody") -> dict[str, str]:
    """The headers of a caller."""
    return {"Authorization": f"Bearer {mint(settings(), role, subject)}"}


def wish(edge: TestClient, customer: str, kind: str, wanted: bool, role: str = "support") -> Any:
    """Say what this customer wants."""
    body = {"preferences": [{"kind": kind, "wanted": wanted}]}
    who = headers(role, customer if role == "customer" else "somebody")
    return edge.put(f"/preferences/{customer}", json=body, headers=who)


def test_a_confirmation_has_text_and_html_with_the_name_escaped(
    desk: Bench, server: tuple[Server, str]
) -> None:
    """Both say what was ordered and what it costs; X-Order names the order."""
    said = confirmed(("A<1>", 2, 150))
    desk.host.receive([said])
    until(lambda: sent(desk, said.subject, "confirmation"))
    (mail,) = server[0].mails()
    found = parts(mail)
    assert (mail["Subject"], mail["X-Order"]) == ("Your order is confirmed", said.subject)
    assert f"Dear {NAME}" in found["text/plain"]
    assert "2 x A<1> at 1.50 GBP" in found["text/plain"]
    assert "Total: 3.00 GBP" in found["text/plain"]
    assert "Dear Ann &lt;b&gt;Lee&lt;/b&gt;" in found["text/html"]
    assert "A&lt;1&gt;" in found["text/html"]


def test_a_rejection_tells_why_to_the_contact_that_it_names(
    desk: Bench, server: tuple[Server, str]
) -> None:
    """In the customer's words, though no confirmation was heard; told again, it is sent once."""
    order = new_order()
    desk.host.receive([rejected(order, "reserve inventory: out of stock")])
    desk.host.receive([rejected(order, "reserve inventory: out of stock", "again")])
    until(lambda: sent(desk, order, "rejected"))
    (mail,) = server[0].mails()
    assert (mail["To"], mail["X-Order"]) == (address(order), None)
    assert mail["Subject"] == "We could not accept your order"
    assert "what you ordered is out of stock" in parts(mail)["text/plain"]
    query = "SELECT settled FROM inbox WHERE subject = :order"
    assert desk.rows(query, order=order) == [(True,), (True,)]


def test_a_delay_is_told_once_to_the_contact_that_the_review_names(
    desk: Bench, server: tuple[Server, str]
) -> None:
    """Of many reviews the first, whether they come in one batch or later."""
    order = new_order()
    desk.host.receive([reviewed(order, "1", contact=order), reviewed(order, "2", contact=order)])
    until(lambda: sent(desk, order, "delayed"))
    later = reviewed(order, "3", contact=order)
    desk.host.receive([later, rejected(order, "the deadline")])
    until(lambda: sent(desk, order, "rejected"))
    assert desk.receipts(later) == [("ignored", 1, "duplicate: this mail was decided before")]
    first, second = server[0].mails()
    assert (first["To"], second["To"]) == (address(order), address(order))
    assert first["Subject"] == "Your order takes a little longer"
    assert "a little longer" in parts(first)["text/plain"]


def test_a_review_without_a_contact_sends_nothing(desk: Bench, server: tuple[Server, str]) -> None:
    """Neither a mail nor a row; the review of the order's own saga is told all the same."""
    order = new_order()
    unnamed = reviewed(order, "1", customer="")
    desk.host.receive([unnamed])
    assert states(desk, order) == {}
    assert desk.receipts(unnamed) == [("ignored", 1, "nobody: it names no contact")]
    desk.host.receive([reviewed(order, "2", customer=""), reviewed(order, "3", contact=order)])
    until(lambda: sent(desk, order, "delayed"))
    assert [mail["To"] for mail in server[0].mails()] == [address(order)]


def test_who_registers_is_welcomed(desk: Bench, server: tuple[Server, str]) -> None:
    """Once, and without the header of orders."""
    customer = CustomerId(f"r{new_order()}")
    said = UserRegistered(customer_id=customer, contact_id=ContactId(new_order()))
    registered = event(said, new_order())
    desk.host.receive([registered])
    desk.host.receive([registered])
    until(lambda: sent(desk, customer, "welcome"))
    (mail,) = server[0].mails()
    assert (mail["Subject"], mail["X-Order"]) == ("Welcome", None)
    assert "good to have you with us" in parts(mail)["text/html"]


def test_what_is_not_wanted_is_kept_and_not_sent(
    desk: Bench, edge: TestClient, server: tuple[Server, str]
) -> None:
    """A batch of two customers: one does not want confirmations, the other gets one."""
    unwanting, wanting = f"u{new_order()}", f"w{new_order()}"
    assert wish(edge, unwanting, "confirmation", False).status_code == 200
    one = confirmed(("A", 1, 100), customer=unwanting)
    other = confirmed(("A", 1, 100), customer=wanting)
    desk.host.receive([one, other])
    until(lambda: sent(desk, other.subject, "confirmation"))
    assert states(desk, one.subject) == {"confirmation": ("not wanted", "")}
    assert len(server[0].taken) == 1
    ignored = ("ignored", 1, "preference: no confirmation mail is wanted")
    assert desk.receipts(one) == [ignored]
    desk.host.receive([one])
    assert desk.receipts(one, 2) == [ignored] * 2


@pytest.mark.parametrize(("unwanted", "told"), [("delayed", "rejected"), ("rejected", "delayed")])
def test_who_does_not_want_one_kind_gets_the_other(
    desk: Bench, edge: TestClient, server: tuple[Server, str], unwanted: str, told: str
) -> None:
    """The wish is that of the customer whom the event names."""
    order, customer = new_order(), f"p{new_order()}"
    assert wish(edge, customer, unwanted, False).status_code == 200
    said = [reviewed(order, "1", customer, order), rejected(order, "the deadline", "", customer)]
    desk.host.receive(said)
    until(lambda: sent(desk, order, told))
    assert states(desk, order)[unwanted] == ("not wanted", "")
    assert len(server[0].taken) == 1


def test_preferences_are_looked_up_once_for_a_batch(desk: Bench) -> None:
    """Twenty delays cost as many statements as two."""
    said = [reviewed(order, "1", f"c{order}", order) for order in (new_order() for _ in range(22))]
    for batch in (said[:2], said[2:]):
        receive = partial(desk.host.receive, batch)
        assert len(statements(desk.host.db.engine, receive, "FROM preferences")) == 1


def test_a_customer_changes_its_own_preferences_alone(edge: TestClient) -> None:
    """Who said nothing wants all; a foreign customer looks like one that is not there."""
    me = f"m{new_order()}"
    mine = headers("customer", me)
    before = edge.get(f"/preferences/{me}", headers=mine).json()["preferences"]
    assert [w["kind"] for w in before] == ["confirmation", "rejected", "delayed", "welcome"]
    assert all(w["wanted"] for w in before)
    after = wish(edge, me, "welcome", False, role="customer").json()["preferences"]
    assert [w["kind"] for w in after if not w["wanted"]] == ["welcome"]
    assert wish(edge, me, "welcome", True, role="shop").json()["preferences"] == before
    assert edge.get("/preferences/else", headers=mine).status_code == 404
    assert wish(edge, me, "nonsense", True).status_code == 422
    assert edge.get(f"/preferences/{me}", headers=headers("risk")).status_code == 403


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("authorize payment: card_declined", "your payment was not accepted"),
        ("check fraud: rule R7 says 91", "we could not accept it after our security check"),
        ("cancelled by ann of support", "we could not complete it"),
    ],
)
def test_a_customer_is_told_nothing_of_our_rules(reason: str, words: str) -> None:
    """Each step has words of its own; whatever else there is, one sentence."""
    assert told(reason) == words
