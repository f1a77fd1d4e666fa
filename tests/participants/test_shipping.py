"""Shipping hands over one parcel for each order, whatever the carrier does not say."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contracts.delivery.service import Refused
from contracts.messages.shipping import (
    QueryShipping,
    ShippingRefused,
    ShippingRequested,
    ShippingStatusUnknown,
    StartShipping,
)
from contracts.messages.values import ContactId, OrderId, stamped
from contracts.runtime.contacts import Contact
from contracts.runtime.database import Database
from contracts.runtime.settings import Settings
from participants.shipping.carrier import HandOver
from participants.shipping.handlers import record, shipping
from participants.shipping.tables import Shipment
from participants.users import http as users
from participants.users.remember import remember
from tests.participants.bench import Bench, bench, migrated, new_order
from tests.participants.edge import served
from tests.simulators.running import Running, until

GOOD = "YO1 7HH"


@pytest.fixture
def carrier(tmp_path: Path) -> Iterator[Running]:
    """The carrier as a process."""
    with Running("carrier", tmp_path) as running:
        yield running


@pytest.fixture
def people(postgres: str) -> Iterator[Database]:
    """Where addresses are kept."""
    database = Database("users", Settings(database_url=migrated(postgres)))
    yield database
    database.close()


@pytest.fixture
def desk(carrier: Running, people: Database, signed: None) -> Iterator[Bench]:
    """Shipping at work, with the routes of users beside it."""
    config = people._settings.database_url
    with (
        served(users.routes(people)) as url,
        bench(shipping, config, carrier_url=carrier.url, internal_url=url) as running,
    ):
        yield running


def start(people: Database, order: OrderId, postcode: str = GOOD) -> StartShipping:
    """Ship this order to somebody at `postcode`."""
    contact = ContactId(stamped(datetime.now(UTC), "contact", order, postcode))
    where = {"line1": "1 Road", "city": "York", "country": "GB"} if postcode else {}
    remember(people, [Contact(contact_id=contact, name="N", postcode=postcode, **where)])
    return StartShipping(order_id=order, contact_id=contact, lines=())


def parcels(carrier: Running, order: OrderId) -> list[str]:
    """The tracking numbers of the parcels the carrier took for this order."""
    return [record["tracking"] for record in carrier.records(reference=order)]


def test_a_parcel_is_handed_over_once(desk: Bench, carrier: Running, people: Database) -> None:
    """Five wishes at once and one later: one parcel, the same answer."""
    order = new_order()
    wish = start(people, order)
    asked = [desk.send(wish) for _ in range(5)]
    told = {desk.answer(envelope) for envelope in asked} | {desk.ask(wish)}
    (tracking,) = parcels(carrier, order)
    assert told == {ShippingRequested(order_id=order, carrier="standard", tracking=tracking)}
    assert desk.ask(QueryShipping(order_id=order)) in told


def test_the_carrier_is_given_the_address(desk: Bench, carrier: Running, people: Database) -> None:
    """The address comes from users, by reference; shipping keeps none of it."""
    order = new_order()
    desk.ask(start(people, order))
    assert [record["country"] for record in carrier.records(reference=order)] == ["GB"]
    ((kept,),) = desk.rows("SELECT to_jsonb(s)::text FROM shipments s WHERE order_id = :o", o=order)
    assert GOOD not in kept


def test_a_refusal_is_final_for_its_attempt(
    desk: Bench, carrier: Running, people: Database
) -> None:
    """Refused, and known to be; the next attempt is a new one, and succeeds."""
    order = new_order()
    wish = start(people, order, "SIM-REFUSE-ONCE")
    refused = desk.ask(wish)
    assert isinstance(refused, ShippingRefused)
    assert desk.ask(QueryShipping(order_id=order)) == refused
    assert isinstance(desk.ask(wish), ShippingRequested)
    assert len(parcels(carrier, order)) == 1


def test_an_address_can_be_put_right(desk: Bench, carrier: Running, people: Database) -> None:
    """Refused twice at one address; the next attempt may go to another."""
    order = new_order()
    for _ in range(2):
        assert isinstance(desk.ask(start(people, order, "SIM-REFUSE")), ShippingRefused)
    assert isinstance(desk.ask(start(people, order)), ShippingRequested)


@pytest.mark.parametrize("again", ["query", "start"])
def test_a_lost_answer_is_unknown_and_found_later(
    desk: Bench, carrier: Running, people: Database, again: str
) -> None:
    """Never refused; whoever asks again is told of the one parcel."""
    order = new_order()
    wish = start(people, order, "SIM-TIMEOUT")
    assert isinstance(desk.ask(wish), ShippingStatusUnknown)
    found = desk.ask(QueryShipping(order_id=order) if again == "query" else wish)
    assert [found.tracking] == parcels(carrier, order)


def test_a_parcel_is_looked_for_before_it_is_handed_over_again(
    desk: Bench, carrier: Running, people: Database
) -> None:
    """Even when the carrier has forgotten the key, the parcel it has is found by the order."""
    order = new_order()
    desk.ask(start(people, order, "SIM-TIMEOUT"))
    desk.rows("UPDATE shipments SET key = 'another' WHERE order_id = :id", id=order)
    assert isinstance(desk.ask(QueryShipping(order_id=order)), ShippingRequested)
    assert len(parcels(carrier, order)) == 1


def test_a_carrier_that_is_down_is_no_refusal(
    desk: Bench, carrier: Running, people: Database
) -> None:
    """503 is unknown; once it is up, the query hands the parcel over."""
    order = new_order()
    carrier.switch(down=True)
    assert isinstance(desk.ask(start(people, order)), ShippingStatusUnknown)
    assert isinstance(desk.ask(QueryShipping(order_id=order)), ShippingStatusUnknown)
    carrier.switch(down=False)
    assert isinstance(desk.ask(QueryShipping(order_id=order)), ShippingRequested)


def test_a_carrier_nobody_can_reach_is_tried_again(
    desk: Bench, carrier: Running, people: Database
) -> None:
    """Nothing was sent, so the call is made again by itself; in the end it is unknown."""
    order = new_order()
    carrier.process.kill()
    carrier.process.wait(timeout=10)
    wish = desk.send(start(people, order))
    tries = "SELECT attempts FROM intents WHERE state = 'pending' AND attempts > 0"
    until(lambda: desk.rows(tries))
    assert isinstance(desk.answer(wish), ShippingStatusUnknown)


def test_a_stale_refusal_does_not_decide_about_a_new_attempt(
    desk: Bench, carrier: Running, people: Database
) -> None:
    """While the next attempt is open, the refusal of an earlier one leaves it open."""
    order = new_order()
    wish = desk.send(start(people, order, "SIM-TIMEOUT"))
    assert isinstance(desk.answer(wish), ShippingStatusUnknown)
    contact = ContactId(order)
    stale = HandOver(key="an earlier key", order_id=order, contact_id=contact, again=False)
    with desk.host.db.transaction() as session:
        session.load(Shipment, {order})
        session.info["envelope"] = wish
        told = record(stale, Refused(reason="no"), session)
    assert isinstance(told, ShippingStatusUnknown)


def test_an_erased_address_is_refused(desk: Bench, carrier: Running, people: Database) -> None:
    """Nothing is sent to nowhere."""
    order = new_order()
    assert isinstance(desk.ask(start(people, order, "")), ShippingRefused)
    assert parcels(carrier, order) == []


def test_nothing_is_known_of_an_order_nobody_named(desk: Bench) -> None:
    """A query is unknown, for the command may still travel."""
    assert isinstance(desk.ask(QueryShipping(order_id=new_order())), ShippingStatusUnknown)
