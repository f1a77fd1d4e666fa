"""The trail logs every event once, knows who has not heard it, and sees to it that they do."""

from collections.abc import Iterator

import pytest

from contracts.messages.catalogue import type_of
from contracts.messages.orders import OrderConfirmed
from contracts.messages.trail import DeliveryState, Receipt
from contracts.messages.values import MessageId
from side_effects.trail.consumer import ask_again, back_fill, trail
from tests.side_effects.heard import Subscriber, confirmed, subscriber

CONFIRMED = type_of(OrderConfirmed)


@pytest.fixture
def log(postgres: str) -> Iterator[Subscriber]:
    """The trail, knowing that `mail` subscribed to OrderConfirmed."""
    with subscriber(trail, postgres, "orchestrator", "mail", "late") as at_work:
        for table in ("events", "deliveries", "subscriptions"):
            at_work.rows(f"DELETE FROM {table}")
        subscribe(at_work, "mail")
        yield at_work


def subscribe(log: Subscriber, name: str) -> None:
    """Somebody subscribes."""
    log.rows("INSERT INTO subscriptions VALUES (:e, :s)", e=CONFIRMED, s=name)


def receipt(event_id: MessageId, state: DeliveryState, who: str = "mail") -> Receipt:
    """What a subscriber says."""
    return Receipt(event_id=event_id, subscriber=who, state=state, attempts=1, reason="why")


def tell(log: Subscriber, *receipts: Receipt) -> None:
    """Hand receipts to the trail."""
    log.host.run(lambda session: trail.receives_receipts(receipts, session))  # type: ignore[misc]


def deliveries(log: Subscriber) -> list[tuple[str, ...]]:
    """Who, and in which state."""
    return log.rows("SELECT subscriber, state FROM deliveries ORDER BY 1")


def test_an_event_is_logged_once_and_its_publisher_told_each_time(log: Subscriber) -> None:
    """Twice heard, one row, two receipts to whoever published it."""
    said = confirmed(("A", 1, 100))
    log.host.receive([said])
    log.host.receive([said])
    assert log.rows("SELECT count(*) FROM events") == [(1,)]
    assert [type(message) for message in log.sent("orchestrator")] == [Receipt, Receipt]
    assert deliveries(log) == [("mail", "pending")]


@pytest.mark.parametrize("first", [True, False])
def test_a_receipt_counts_whether_it_comes_before_the_event_or_after(
    log: Subscriber, first: bool
) -> None:
    """The order of the two does not matter."""
    said = confirmed(("A", 1, 100))
    if first:
        tell(log, receipt(said.id, "handled"))
    log.host.receive([said])
    if not first:
        tell(log, receipt(said.id, "handled"))
    assert deliveries(log) == [("mail", "handled")]


def test_handled_is_never_taken_back_and_dead_may_be_mended(log: Subscriber) -> None:
    """A late `retrying` does not undo `handled`; a replay turns `dead` into `handled`."""
    said = confirmed(("A", 1, 100))
    log.host.receive([said])
    tell(log, receipt(said.id, "dead"))
    tell(log, receipt(said.id, "handled"), receipt(said.id, "handled", "other"))
    tell(log, receipt(said.id, "retrying"))
    assert deliveries(log) == [("mail", "handled"), ("other", "handled")]


def test_what_is_not_reported_in_time_is_sent_again_to_that_one(log: Subscriber) -> None:
    """And not again before the next, longer interval has passed."""
    said = confirmed(("A", 1, 100))
    log.host.receive([said])
    assert log.host.run(ask_again) == 0
    log.rows("UPDATE deliveries SET ask_at = now()")
    assert log.host.run(ask_again) == 1
    assert log.sent("mail") == [said.message]
    assert log.host.run(ask_again) == 0


def test_who_subscribes_late_is_sent_the_events_from_before(log: Subscriber) -> None:
    """Each once, through its own queue."""
    said = [confirmed(("A", 1, 100)) for _ in range(3)]
    log.host.receive(said)
    subscribe(log, "late")
    assert log.host.run(back_fill) == 3
    assert log.host.run(back_fill) == 0
    log.host.run(ask_again)
    assert len(log.sent("late")) == 3
    assert log.sent("mail") == []
