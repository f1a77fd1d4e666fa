"""A shipment is stopped while nothing was handed over; after that the carrier's word counts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.messages.shipping import (
    QueryShipping,
    ShippingRefused,
    ShippingRequested,
    ShippingStatusUnknown,
    ShippingStopped,
    ShippingTooLate,
    StopShipping,
)
from contracts.messages.values import OrderId
from tests.participants.bench import new_order
from tests.participants.parcels import Depot
from tests.participants.parcels import depot as at_work


@pytest.fixture
def depot(postgres: str, tmp_path: Path, signed: None) -> Iterator[Depot]:
    """Shipping at work, in front of three carriers."""
    with at_work(postgres, tmp_path) as running:
        yield running


def stop(depot: Depot, order: OrderId) -> Any:
    """The answer to a command to stop."""
    return depot.desk.ask(StopShipping(order_id=order))


def query(depot: Depot, order: OrderId) -> Any:
    """The answer to a query."""
    return depot.desk.ask(QueryShipping(order_id=order))


def test_a_stop_may_come_before_its_start(depot: Depot) -> None:
    """It leaves a tombstone: the late command does nothing and says so, however often it comes."""
    wish = depot.start()
    stopped = ShippingStopped(order_id=wish.order_id)
    assert [stop(depot, wish.order_id) for _ in range(2)] == [stopped] * 2
    assert [depot.desk.ask(wish) for _ in range(2)] == [stopped] * 2
    assert query(depot, wish.order_id) == stopped
    assert (depot.parcels(wish.order_id), depot.calls(wish.order_id)) == ([], [])


def test_a_stop_in_the_batch_of_its_start_may_come_first(depot: Depot) -> None:
    """In one transaction as in two."""
    wish = depot.start()
    sent = depot.desk.send_all([StopShipping(order_id=wish.order_id), wish])
    assert {depot.desk.answer(each) for each in sent} == {ShippingStopped(order_id=wish.order_id)}


def test_what_was_handed_over_is_too_late_to_stop(depot: Depot) -> None:
    """The tracking number is told; the parcel stays requested for everybody else."""
    wish = depot.start()
    requested = depot.desk.ask(wish)
    late = ShippingTooLate(order_id=wish.order_id, tracking=requested.tracking)
    assert [stop(depot, wish.order_id) for _ in range(2)] == [late] * 2
    assert depot.desk.ask(wish) == requested


def test_what_was_refused_is_stopped(depot: Depot) -> None:
    """No further attempt is made."""
    wish = depot.start(postcode="SIM-REFUSE-ONCE")
    assert isinstance(depot.desk.ask(wish), ShippingRefused)
    assert isinstance(stop(depot, wish.order_id), ShippingStopped)
    assert isinstance(depot.desk.ask(wish), ShippingStopped)
    assert depot.parcels(wish.order_id) == []


def test_a_choice_under_way_is_stopped(depot: Depot) -> None:
    """Nobody has been asked to take the parcel, so nobody will be; the start is told so."""
    depot.carriers.switch(delay_seconds=0.5)
    wish = depot.start(speed="fastest")
    started = depot.desk.send(wish)
    stopped = ShippingStopped(order_id=wish.order_id)
    assert stop(depot, wish.order_id) == stopped
    assert depot.desk.answer(started) == stopped
    assert depot.calls(wish.order_id) == ["ChooseCarrier"]


def test_while_the_carrier_is_asked_its_answer_is_waited_for(depot: Depot) -> None:
    """The parcel is taken: too late for who stops, requested for who started."""
    depot.carriers.switch(standard_slow_seconds=1.0)
    wish = depot.start()
    started = depot.desk.send(wish)
    late = stop(depot, wish.order_id)
    ((_, tracking),) = depot.parcels(wish.order_id)
    assert late == ShippingTooLate(order_id=wish.order_id, tracking=tracking)
    assert isinstance(depot.desk.answer(started), ShippingRequested)


def test_a_start_and_its_stop_in_one_batch_are_one_parcel(depot: Depot) -> None:
    """What came first is under way, and the stop is answered as the carrier decides."""
    wish = depot.start()
    started, stopped = depot.desk.send_all([wish, StopShipping(order_id=wish.order_id)])
    requested = depot.desk.answer(started)
    late = ShippingTooLate(order_id=wish.order_id, tracking=requested.tracking)
    assert depot.desk.answer(stopped) == late
    assert depot.published(wish.order_id).count("ShippingRequested") == 1


def test_a_refusal_that_was_waited_for_stops(depot: Depot) -> None:
    """No other carrier is asked, and both are told that nothing is sent."""
    depot.carriers.switch(delay_seconds=0.5)
    wish = depot.start(postcode="SIM-REFUSE")
    started = depot.desk.send(wish)
    stopped = ShippingStopped(order_id=wish.order_id)
    assert stop(depot, wish.order_id) == stopped
    assert depot.desk.answer(started) == stopped
    assert depot.calls(wish.order_id).count("HandOver") == 1


def test_a_lost_answer_is_not_guessed(depot: Depot) -> None:
    """The parcel is there, and found by who stops; it is told to the world once."""
    wish = depot.start(postcode="SIM-TIMEOUT")
    assert isinstance(depot.desk.ask(wish), ShippingStatusUnknown)
    late = stop(depot, wish.order_id)
    ((_, tracking),) = depot.parcels(wish.order_id)
    assert late == ShippingTooLate(order_id=wish.order_id, tracking=tracking)
    assert depot.published(wish.order_id).count("ShippingRequested") == 1


def test_what_may_still_come_is_unknown_until_it_cannot(depot: Depot) -> None:
    """Nothing is handed over any more, whoever asks; long after the lost call it is stopped."""
    depot.carriers.switch(down=True)
    wish = depot.start()
    order = wish.order_id
    assert isinstance(depot.desk.ask(wish), ShippingStatusUnknown)
    assert isinstance(stop(depot, order), ShippingStatusUnknown)
    depot.carriers.switch(down=False)
    told = [query(depot, order), depot.desk.ask(wish), stop(depot, order)]
    assert {type(each) for each in told} == {ShippingStatusUnknown}
    depot.much_later(order)
    stopped = ShippingStopped(order_id=order)
    assert [query(depot, order), depot.desk.ask(wish), stop(depot, order)] == [stopped] * 3
    assert depot.parcels(order) == []


def test_while_the_carrier_is_down_nothing_is_believed(depot: Depot) -> None:
    """Only a carrier that answers can say that it has no parcel."""
    depot.carriers.switch(down=True)
    wish = depot.start()
    depot.desk.ask(wish)
    depot.much_later(wish.order_id)
    assert isinstance(stop(depot, wish.order_id), ShippingStatusUnknown)


def test_a_query_is_answered_as_the_command_it_follows(depot: Depot) -> None:
    """A parcel on its way is a success to the saga that started it, too late to who stops it."""
    wish = depot.start(postcode="SIM-TIMEOUT")
    order, starter, stoppers = wish.order_id, new_order(), (new_order(), new_order())
    depot.ask_as(starter, wish)
    asking = QueryShipping(order_id=order)
    for stopper in stoppers:
        assert isinstance(depot.ask_as(stopper, StopShipping(order_id=order)), ShippingTooLate)
    for stopper in stoppers:
        assert isinstance(depot.ask_as(stopper, asking), ShippingTooLate)
    assert isinstance(depot.ask_as(starter, asking), ShippingRequested)
