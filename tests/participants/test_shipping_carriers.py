"""Who carries the parcel: as was wished, or by rank; and never a second one at another carrier."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text

from contracts.delivery.outside import Outside
from contracts.delivery.service import Outcome, Refused
from contracts.messages.shipping import (
    QueryShipping,
    ShippingRefused,
    ShippingRequested,
    ShippingStatusUnknown,
)
from contracts.runtime.contacts import Contact, Contacts
from participants.shipping.carrier import AWAY, HandOver, hand_over, stamp
from participants.shipping.chooses import Carrier, Quote, chosen, serving
from tests.participants.parcels import Depot, changed
from tests.participants.parcels import depot as at_work

ROYAL = Quote(carrier="royal", amount=299, currency="GBP", days=4)
STANDARD = Quote(carrier="standard", amount=499, currency="GBP", days=3)
SWIFT = Quote(carrier="swift", amount=899, currency="GBP", days=1)
NOWHERE = "http://127.0.0.1:9"  # the discard port, where nobody listens


@pytest.fixture
def depot(postgres: str, tmp_path: Path, signed: None) -> Iterator[Depot]:
    """Shipping at work, in front of three carriers."""
    with at_work(postgres, tmp_path) as running:
        yield running


@pytest.mark.parametrize(
    ("speed", "quotes", "best"),
    [
        ("cheapest", [STANDARD, SWIFT, ROYAL], ROYAL),
        ("fastest", [STANDARD, SWIFT, ROYAL], SWIFT),
        ("fastest", [STANDARD, ROYAL], STANDARD),
        ("cheapest", [replace(ROYAL, days=5), ROYAL], ROYAL),
        ("fastest", [replace(SWIFT, amount=900), SWIFT], SWIFT),
        ("cheapest", [STANDARD, replace(STANDARD, carrier="other")], STANDARD),
        ("fastest", [], None),
    ],
)
def test_the_best_quote_wins(speed: str, quotes: list[Quote], best: Quote | None) -> None:
    """By amount or by days; the other of them decides between equals, and then who stands first."""
    assert chosen(quotes, speed) == best


def test_a_carrier_that_names_no_countries_serves_every_one() -> None:
    """In the order in which they were given."""
    near, every = Carrier(id="a", path="a", countries=("GB", "IE")), Carrier(id="b", path="b")
    assert serving([near, every], "GB") == [near, every]
    assert serving([near, every], "NZ") == [every]


@pytest.mark.parametrize(("speed", "carrier"), [("cheapest", "royal"), ("fastest", "swift")])
def test_a_wish_is_followed(depot: Depot, speed: str, carrier: str) -> None:
    """Every carrier is asked for a quote; the choice and the quotes are kept."""
    wish = depot.start(speed=speed)
    assert depot.desk.ask(wish).carrier == carrier
    kept = depot.shipment(wish.order_id)
    amounts = {quote["carrier"]: quote["amount"] for quote in kept["quotes"]}
    assert (kept["carrier"], kept["speed"]) == (carrier, speed)
    assert amounts == {"standard": 499, "royal": 299, "swift": 899}
    assert depot.calls(wish.order_id) == ["ChooseCarrier", "HandOver"]


@pytest.mark.parametrize("fault", [{"down": True}, {"slow_seconds": 30.0}, {"refuse": True}])
def test_who_gives_no_quote_is_passed_over(depot: Depot, fault: dict[str, Any]) -> None:
    """Down, too slow or unwilling: the best of the others has the parcel."""
    depot.carriers.switch(**{f"royal_{name}": value for name, value in fault.items()})
    wish = depot.start(speed="cheapest")
    assert depot.desk.ask(wish).carrier == "standard"
    assert [carrier for carrier, _ in depot.parcels(wish.order_id)] == ["standard"]


def test_without_any_quote_nobody_is_asked(depot: Depot) -> None:
    """It is unknown while all are down, and a query chooses once they are up."""
    depot.carriers.switch(down=True)
    wish = depot.start(speed="fastest")
    assert isinstance(depot.desk.ask(wish), ShippingStatusUnknown)
    assert depot.calls(wish.order_id) == ["ChooseCarrier"]
    depot.carriers.switch(down=False)
    assert depot.desk.ask(QueryShipping(order_id=wish.order_id)).carrier == "swift"


def test_many_wishes_at_once_are_one_parcel(depot: Depot) -> None:
    """Five commands choose side by side; all are told of the same parcel."""
    wish = depot.start(speed="cheapest")
    told = {depot.desk.answer(sent) for sent in depot.desk.send_all([wish] * 5)}
    ((carrier, tracking),) = depot.parcels(wish.order_id)
    assert told == {ShippingRequested(order_id=wish.order_id, carrier=carrier, tracking=tracking)}


def test_after_a_refusal_the_next_is_asked(depot: Depot) -> None:
    """By rank without a wish, by quote with one; who refused is remembered with the reason."""
    depot.carriers.switch(standard_refuse=True)
    wish = depot.start()
    assert depot.desk.ask(wish).carrier == "royal"
    assert depot.shipment(wish.order_id)["tried"] == {"standard": "standard takes nothing for now"}
    assert [carrier for carrier, _ in depot.parcels(wish.order_id)] == ["royal"]


def test_a_carrier_is_only_asked_for_countries_it_serves(depot: Depot) -> None:
    """Where nobody else goes, a refusal is the last word; who refused says why."""
    depot.carriers.switch(standard_refuse=True)
    told = depot.desk.ask(depot.start(country="NZ"))
    assert isinstance(told, ShippingRefused)
    assert told.reason == "standard: standard takes nothing for now"
    assert depot.desk.ask(depot.start(speed="fastest", country="NZ")).reason == (
        "standard: standard takes nothing for now"
    )


def test_the_first_that_serves_the_country_takes_it(depot: Depot) -> None:
    """A near carrier of the first rank has what it serves, without quotes; others the rest."""
    with changed(depot, "royal", rank=0):
        near, far = depot.start(), depot.start(country="NZ")
        assert depot.desk.ask(near).carrier == "royal"
        assert depot.desk.ask(far).carrier == "standard"
    assert depot.shipment(near.order_id)["quotes"] == []
    assert [carrier for carrier, _ in depot.parcels(far.order_id)] == ["standard"]


def test_a_carrier_that_is_not_enabled_is_not_asked(depot: Depot) -> None:
    """Nor for a quote; when none is left, the order is refused."""
    with changed(depot, "swift", enabled=False):
        assert depot.desk.ask(depot.start(speed="fastest")).carrier == "standard"
    with changed(depot, "standard", enabled=False):
        assert depot.desk.ask(depot.start(country="NZ")).reason == "no carrier serves NZ"


@pytest.mark.parametrize("fault", [{"swift_down": True}, {"swift_refuse": True}])
def test_a_lost_answer_is_resolved_at_its_carrier(depot: Depot, fault: dict[str, Any]) -> None:
    """Whatever has become of it since, and although it is not even enabled any more."""
    wish = depot.start(speed="fastest", postcode="SIM-TIMEOUT")
    asking = QueryShipping(order_id=wish.order_id)
    assert isinstance(depot.desk.ask(wish), ShippingStatusUnknown)
    depot.carriers.switch(**fault)
    with changed(depot, "swift", enabled=False):
        told = depot.desk.ask(asking)
        assert isinstance(told, ShippingStatusUnknown) == ("swift_down" in fault)
        depot.carriers.switch(swift_down=False)
        assert depot.desk.ask(asking).carrier == "swift"
    assert [carrier for carrier, _ in depot.parcels(wish.order_id)] == ["swift"]


def test_a_call_that_is_taken_up_after_a_crash_stays_with_its_carrier(depot: Depot) -> None:
    """The carrier was written down before it was asked; its parcel is found under the same key."""
    wish = depot.start(speed="fastest", postcode="SIM-TIMEOUT")
    depot.desk.ask(wish)
    depot.carriers.switch(swift_refuse=True, royal_refuse=True)
    with depot.desk.host.db.transaction() as session:  # as it was before the outcome was recorded
        for as_before in (
            "UPDATE shipments SET under_way = 1, unanswered_at = NULL WHERE order_id = :o",
            "UPDATE intents SET state = 'pending', due_at = now()"
            " WHERE kind = 'HandOver' AND body->>'order_id' = :o",
        ):
            session.execute(text(as_before), {"o": wish.order_id})
    depot.becomes(wish.order_id, state="requested", carrier="swift", under_way=0)
    assert [carrier for carrier, _ in depot.parcels(wish.order_id)] == ["swift"]


def test_when_no_carrier_can_be_reached_it_is_unknown(depot: Depot) -> None:
    """Each was tried, nothing was sent, and the next query begins with the choice."""
    depot.carriers.process.kill()
    depot.carriers.process.wait(timeout=10)
    wish = depot.start()
    told = depot.desk.ask(wish)
    assert isinstance(told, ShippingStatusUnknown)
    assert told.reason == "cannot be reached: royal, standard, swift"
    assert depot.calls(wish.order_id).count("HandOver") == 3
    kept = depot.shipment(wish.order_id)
    assert (kept["state"], kept["tried"], kept["under_way"]) == ("choosing", {}, 0)


def test_only_a_first_call_passes_over_who_cannot_be_reached(depot: Depot) -> None:
    """What may have been sent before, by a process that died as well, stays with its carrier."""
    wish = depot.start()
    first = HandOver(
        key=wish.order_id,
        order_id=wish.order_id,
        contact_id=wish.contact_id,
        carrier="royal",
        path="royal",
        again=False,
        wanted=stamp(),
    )
    told = asyncio.run(_performed(depot, first))
    assert isinstance(told, Refused)
    assert told.code == AWAY
    process, at = first.wanted.split()
    for wanted in (f"another {at}", f"{process} {float(at) - 60}"):
        with pytest.raises(aiohttp.ClientConnectorError):
            asyncio.run(_performed(depot, replace(first, wanted=wanted)))
    with pytest.raises(aiohttp.ClientConnectorError):
        asyncio.run(_performed(depot, replace(first, again=True)))


class Known(Contacts):
    """Knows everybody, and asks nobody."""

    async def get(self, contact_id: Any) -> Contact:
        """Somebody in York."""
        return Contact(contact_id=contact_id, city="York", country="GB")


async def _performed(depot: Depot, intent: HandOver) -> Outcome:
    """What comes of it where no carrier can be reached."""
    config = depot.desk.host.db._settings.model_copy(update={"carrier_url": NOWHERE})
    async with aiohttp.ClientSession() as http:
        return await hand_over(intent, Outside(config, http, Known(http, "", "")))
