"""Parcels are followed until they arrive or are lost, and every move is published once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from contracts.messages.values import OrderId
from contracts.runtime.session import BatchSession
from participants.shipping.tracking import track
from tests.participants.parcels import Depot
from tests.participants.parcels import depot as at_work
from tests.simulators.running import until

ASKED, SENT = "ShippingRequested", "OrderShipped"
DAYS = 1e9


@pytest.fixture
def depot(postgres: str, tmp_path: Path, signed: None) -> Iterator[Depot]:
    """Shipping at work, in front of three carriers that move nothing until they are told to."""
    with at_work(postgres, tmp_path) as running:
        running.carriers.switch(picked_up_seconds=DAYS, delivered_seconds=DAYS)
        yield running


def sent(depot: Depot, **more: Any) -> OrderId:
    """An order whose parcel a carrier has taken."""
    wish = depot.start(**more)
    depot.desk.ask(wish)
    return wish.order_id


def looked(depot: Depot, order: OrderId) -> None:
    """Wait until the parcel fell due twice from now on."""
    for _ in range(2):
        before = depot.shipment(order)["look_at"]
        until(lambda: depot.shipment(order)["look_at"] != before)  # noqa: B023 - waited for here


def test_a_parcel_is_followed_until_it_arrives(depot: Depot) -> None:
    """Each move is published once, however often the carrier is asked; then it is asked no more."""
    order = sent(depot)
    looked(depot, order)
    assert depot.published(order) == [ASKED]
    depot.carriers.switch(picked_up_seconds=0)
    depot.becomes(order, progress="shipped")
    looked(depot, order)
    assert depot.published(order) == [ASKED, SENT]
    depot.carriers.switch(delivered_seconds=0)
    depot.becomes(order, progress="delivered", look_at=None, state="requested")
    assert depot.published(order) == [ASKED, SENT, "OrderDelivered"]


def test_the_events_name_the_parcel(depot: Depot) -> None:
    """Whoever hears of it knows the carrier and the tracking number."""
    depot.carriers.switch(picked_up_seconds=0, delivered_seconds=0)
    order = sent(depot, speed="fastest")
    depot.becomes(order, progress="delivered")
    query = (
        "SELECT envelope->'data'->>'carrier', envelope->'data'->>'tracking' FROM outbox"
        " WHERE envelope->>'subject' = :o"
    )
    assert set(depot.desk.rows(query, o=order)) == set(depot.parcels(order))


def test_what_happened_between_two_looks_is_published_in_order(depot: Depot) -> None:
    """A parcel that has arrived was on its way before."""
    depot.carriers.switch(picked_up_seconds=0, delivered_seconds=0)
    order = sent(depot)
    depot.becomes(order, progress="delivered")
    assert depot.published(order) == [ASKED, SENT, "OrderDelivered"]


def test_a_lost_parcel_is_told(depot: Depot) -> None:
    """It was on its way, and does not arrive."""
    order = sent(depot, postcode="SIM-LOST")
    depot.carriers.switch(picked_up_seconds=0)
    depot.becomes(order, progress="shipped")
    depot.carriers.switch(delivered_seconds=0)
    depot.becomes(order, progress="lost", look_at=None)
    assert depot.published(order) == [ASKED, SENT, "ParcelLost"]


def test_a_parcel_that_is_never_picked_up_is_looked_at_again(depot: Depot) -> None:
    """Nothing is published of it, while others of its carrier move on."""
    depot.carriers.switch(picked_up_seconds=0, delivered_seconds=0)
    order, other = sent(depot, postcode="SIM-NEVER"), sent(depot)
    depot.becomes(other, progress="delivered")
    looked(depot, order)
    assert depot.published(order) == [ASKED]
    assert depot.shipment(order)["look_at"]


def test_a_carrier_is_asked_for_many_at_once(depot: Depot) -> None:
    """One call for all of its parcels that are due."""
    wishes = [depot.start() for _ in range(5)]
    fast = depot.start(speed="fastest")
    for envelope in depot.desk.send_all([*wishes, fast]):
        depot.desk.answer(envelope)
    orders = {wish.order_id for wish in wishes}
    due = text("UPDATE shipments SET look_at = now() WHERE order_id = ANY(CAST(:o AS uuid[]))")

    def looked_at(session: BatchSession) -> list[set[str]]:
        session.execute(due, {"o": [*orders, fast.order_id]})
        assert track(session) >= 6
        wanted = [stored.intent for stored in session.info["turn"].wanted]
        asked = [{parcel.order_id for parcel in each.parcels} for each in wanted]
        return [each & {*orders, fast.order_id} for each in asked]

    asked = depot.desk.host.run(looked_at)
    assert orders in asked
    assert {fast.order_id} in asked


def test_what_was_asked_leaves_no_trace(depot: Depot) -> None:
    """A parcel is looked at many times in its life, and nobody reads how often."""
    order = sent(depot)
    looked(depot, order)
    depot.carriers.switch(picked_up_seconds=0, delivered_seconds=0)
    depot.becomes(order, progress="delivered")
    left = "SELECT 1 FROM intents WHERE kind = 'TrackParcels' AND body::text LIKE '%' || :o || '%'"
    until(lambda: depot.desk.rows(left, o=order) == [])


@pytest.mark.parametrize("fault", ["standard_down", "down"])
def test_a_carrier_that_does_not_tell_is_asked_again(depot: Depot, fault: str) -> None:
    """The parcel stands as before, until it answers."""
    order = sent(depot)
    depot.carriers.switch(**{fault: True}, picked_up_seconds=0, delivered_seconds=0)
    looked(depot, order)
    assert depot.shipment(order)["progress"] == ""
    depot.carriers.switch(**{fault: False})
    depot.becomes(order, progress="delivered")
