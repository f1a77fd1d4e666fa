"""Shipping hands over one parcel for each order, whatever the carrier does not say."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.delivery.service import Refused
from contracts.messages.shipping import (
    QueryShipping,
    ShippingRefused,
    ShippingRequested,
    ShippingStatusUnknown,
)
from contracts.messages.values import ContactId
from participants.shipping.carrier import HandOver, stamp
from participants.shipping.recording import hand_over
from participants.shipping.tables import Shipment
from tests.participants.bench import new_order
from tests.participants.parcels import GOOD, Depot
from tests.participants.parcels import depot as at_work


@pytest.fixture
def depot(postgres: str, tmp_path: Path, signed: None) -> Iterator[Depot]:
    """Shipping at work, in front of three carriers."""
    with at_work(postgres, tmp_path) as running:
        yield running


def test_a_parcel_is_handed_over_once(depot: Depot) -> None:
    """Five wishes at once and one later: one parcel, the same answer."""
    desk, wish = depot.desk, depot.start()
    order = wish.order_id
    asked = [desk.send(wish) for _ in range(5)]
    told = {desk.answer(envelope) for envelope in asked} | {desk.ask(wish)}
    ((_, tracking),) = depot.parcels(order)
    assert told == {ShippingRequested(order_id=order, carrier="standard", tracking=tracking)}
    assert desk.ask(QueryShipping(order_id=order)) in told


def test_without_a_wish_one_call_is_made(depot: Depot) -> None:
    """The first carrier serves every country, so nobody is asked for a quote."""
    wish = depot.start(country="NZ")
    assert depot.desk.ask(wish).carrier == "standard"
    assert depot.calls(wish.order_id) == ["HandOver"]
    assert depot.shipment(wish.order_id)["quotes"] == []


@pytest.mark.parametrize("speed", ["", "cheapest"])
def test_a_batch_costs_as_many_statements_as_one_order(depot: Depot, speed: str) -> None:
    """The carriers are read once, the shipments are written together."""
    one, many = [depot.start(speed=speed)], [depot.start(speed=speed) for _ in range(20)]
    assert depot.desk.statements(one) == depot.desk.statements(many) <= 4


def test_the_carrier_is_given_the_address(depot: Depot) -> None:
    """The address comes from users, by reference; shipping keeps none of it."""
    wish = depot.start()
    depot.desk.ask(wish)
    taken = depot.carriers.records(reference=wish.order_id)
    assert [record["country"] for record in taken] == ["GB"]
    assert GOOD not in json.dumps(depot.shipment(wish.order_id))


def test_a_refusal_is_final_for_its_attempt(depot: Depot) -> None:
    """Refused by every carrier, and known to be; the next attempt is a new one, and succeeds."""
    wish = depot.start(postcode="SIM-REFUSE-ONCE")
    refused = depot.desk.ask(wish)
    assert isinstance(refused, ShippingRefused)
    assert [name in refused.reason for name in ("standard", "royal", "swift")] == [True] * 3
    assert depot.desk.ask(QueryShipping(order_id=wish.order_id)) == refused
    assert isinstance(depot.desk.ask(wish), ShippingRequested)
    assert len(depot.parcels(wish.order_id)) == 1


def test_an_address_can_be_put_right(depot: Depot) -> None:
    """Refused twice at one address; the next attempt may go to another."""
    order = new_order()
    for _ in range(2):
        assert isinstance(depot.desk.ask(depot.start(order, "SIM-REFUSE")), ShippingRefused)
    assert isinstance(depot.desk.ask(depot.start(order)), ShippingRequested)


@pytest.mark.parametrize("again", ["query", "start"])
def test_a_lost_answer_is_unknown_and_found_later(depot: Depot, again: str) -> None:
    """Never refused; whoever asks again is told of the one parcel."""
    wish = depot.start(postcode="SIM-TIMEOUT")
    assert isinstance(depot.desk.ask(wish), ShippingStatusUnknown)
    asking = QueryShipping(order_id=wish.order_id) if again == "query" else wish
    found = depot.desk.ask(asking)
    assert [("standard", found.tracking)] == depot.parcels(wish.order_id)


def test_what_a_query_finds_out_is_published_once(depot: Depot) -> None:
    """The parcel is told to the world by whoever finds it first."""
    wish = depot.start(postcode="SIM-TIMEOUT")
    depot.desk.ask(wish)
    for _ in range(2):
        depot.desk.ask(QueryShipping(order_id=wish.order_id))
    assert depot.published(wish.order_id).count("ShippingRequested") == 1


def test_a_parcel_is_looked_for_before_it_is_handed_over_again(depot: Depot) -> None:
    """Even when the carrier has forgotten the key, the parcel it has is found by the order."""
    wish = depot.start(postcode="SIM-TIMEOUT")
    depot.desk.ask(wish)
    changed = "UPDATE shipments SET key = :key WHERE order_id = :id"
    depot.desk.rows(changed, key=new_order(), id=wish.order_id)
    assert isinstance(depot.desk.ask(QueryShipping(order_id=wish.order_id)), ShippingRequested)
    assert len(depot.parcels(wish.order_id)) == 1


def test_a_carrier_that_is_down_is_no_refusal(depot: Depot) -> None:
    """503 is unknown; once it is up, the query hands the parcel over."""
    wish = depot.start()
    asking = QueryShipping(order_id=wish.order_id)
    depot.carriers.switch(down=True)
    assert isinstance(depot.desk.ask(wish), ShippingStatusUnknown)
    assert isinstance(depot.desk.ask(asking), ShippingStatusUnknown)
    depot.carriers.switch(down=False)
    assert isinstance(depot.desk.ask(asking), ShippingRequested)


def test_a_stale_refusal_does_not_decide_about_a_new_attempt(depot: Depot) -> None:
    """While the next attempt is open, the refusal of an earlier one leaves it open."""
    wish = depot.start(postcode="SIM-TIMEOUT")
    order, sent = wish.order_id, depot.desk.send(wish)
    assert isinstance(depot.desk.answer(sent), ShippingStatusUnknown)
    stale = HandOver(
        key="an earlier key",
        order_id=order,
        contact_id=ContactId(order),
        carrier="standard",
        path="standard",
        again=False,
        wanted=stamp(),
    )
    with depot.desk.host.db.transaction() as session:
        session.load(Shipment, {(order, 0)})
        session.info["envelope"] = sent
        told = hand_over(stale, Refused(reason="no"), session)
    assert isinstance(told, ShippingStatusUnknown)


def test_an_erased_address_is_refused(depot: Depot) -> None:
    """Nothing is sent to nowhere."""
    wish = depot.start(postcode="")
    assert isinstance(depot.desk.ask(wish), ShippingRefused)
    assert depot.parcels(wish.order_id) == []


def test_an_address_may_be_erased_while_the_carrier_is_asked(depot: Depot) -> None:
    """The parcel may be on its way: it is refused only long after the unanswered call."""
    wish = depot.start()
    asking = QueryShipping(order_id=wish.order_id)
    depot.carriers.switch(standard_down=True)
    assert isinstance(depot.desk.ask(wish), ShippingStatusUnknown)
    depot.carriers.switch(standard_down=False)
    depot.erase(wish)
    assert isinstance(depot.desk.ask(asking), ShippingStatusUnknown)
    depot.much_later(wish.order_id)
    assert isinstance(depot.desk.ask(asking), ShippingRefused)
    assert depot.parcels(wish.order_id) == []


def test_a_parcel_is_found_although_its_address_was_erased(depot: Depot) -> None:
    """It was handed over before."""
    wish = depot.start(postcode="SIM-TIMEOUT")
    depot.desk.ask(wish)
    depot.erase(wish)
    assert isinstance(depot.desk.ask(QueryShipping(order_id=wish.order_id)), ShippingRequested)


def test_nothing_is_known_of_an_order_nobody_named(depot: Depot) -> None:
    """A query is unknown, for the command may still travel."""
    assert isinstance(depot.desk.ask(QueryShipping(order_id=new_order())), ShippingStatusUnknown)
