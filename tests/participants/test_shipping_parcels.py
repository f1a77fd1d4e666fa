"""Several parcels of an order: each has its carrier, its tracking, its end; stopped all or none."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from contracts.messages.shipping import (
    QueryShipping,
    ShippingRefused,
    ShippingRequested,
    ShippingStopped,
    ShippingTooLate,
    StopShipping,
)
from tests.participants.parcels import Depot
from tests.participants.parcels import depot as at_work


@pytest.fixture
def depot(postgres: str, tmp_path: Path, signed: None) -> Iterator[Depot]:
    """Shipping at work, in front of three carriers."""
    with at_work(postgres, tmp_path) as running:
        yield running


def test_each_parcel_is_handed_over_once_under_a_reference_of_its_own(depot: Depot) -> None:
    wish = depot.start()
    asked = [replace(wish, parcel=number) for number in (1, 2, 1)]
    first, second, again = (depot.desk.ask(each) for each in asked)
    assert isinstance(first, ShippingRequested)
    assert isinstance(second, ShippingRequested)
    assert (first.parcel, second.parcel) == (1, 2)
    assert first == again
    assert first.tracking != second.tracking
    taken = [depot.carriers.records(reference=f"{wish.order_id}/{n}") for n in (1, 2)]
    assert [len(each) for each in taken] == [1, 1]
    query = QueryShipping(order_id=wish.order_id, parcel=2)
    assert depot.desk.ask(query) == second


def test_one_is_refused_and_the_other_sent(depot: Depot) -> None:
    wish, nowhere = depot.start(), depot.start(postcode="SIM-REFUSE")
    sent = depot.desk.ask(replace(wish, parcel=1))
    refused = depot.desk.ask(replace(wish, parcel=2, contact_id=nowhere.contact_id))
    assert isinstance(sent, ShippingRequested)
    assert isinstance(refused, ShippingRefused)
    again = depot.desk.ask(replace(wish, parcel=2))
    assert isinstance(again, ShippingRequested), "the address is corrected"


def test_a_stop_comes_too_late_as_soon_as_one_is_on_its_way(depot: Depot) -> None:
    """And leaves the others alone."""
    wish = depot.start()
    sent = depot.desk.ask(replace(wish, parcel=1))
    stop = StopShipping(order_id=wish.order_id)
    assert depot.desk.ask(stop) == ShippingTooLate(order_id=wish.order_id, tracking=sent.tracking)
    assert isinstance(depot.desk.ask(replace(wish, parcel=2)), ShippingRequested)


def test_a_stop_stops_all_that_no_carrier_has(depot: Depot) -> None:
    """What was refused, and what begins later."""
    nowhere = depot.start(postcode="SIM-REFUSE")
    depot.desk.ask(replace(nowhere, parcel=1))
    stopped = ShippingStopped(order_id=nowhere.order_id)
    assert depot.desk.ask(StopShipping(order_id=nowhere.order_id)) == stopped
    assert depot.desk.ask(replace(nowhere, parcel=1)) == stopped
    assert depot.desk.ask(replace(nowhere, parcel=2)) == stopped


def test_a_stop_that_comes_first_stops_every_parcel(depot: Depot) -> None:
    wish = depot.start()
    stopped = ShippingStopped(order_id=wish.order_id)
    assert depot.desk.ask(StopShipping(order_id=wish.order_id)) == stopped
    answers = [depot.desk.ask(replace(wish, parcel=number)) for number in (1, 2)]
    assert answers == [stopped, stopped]
    assert depot.parcels(wish.order_id) == []
