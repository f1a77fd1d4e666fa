"""The trail logs every event once, knows who has not heard it, and sees to it that they do."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.messages.catalogue import type_of
from contracts.messages.orders import OrderConfirmed
from contracts.messages.trail import DeliveryState, Receipt, Receipts
from contracts.messages.values import MessageId
from contracts.runtime.session import BatchSession
from side_effects.trail import filling
from side_effects.trail.consumer import ask_again, back_fill, trail
from side_effects.trail.http import STATES, routes
from tests.side_effects.edge import asked
from tests.side_effects.heard import Subscriber, confirmed, subscriber

CONFIRMED = type_of(OrderConfirmed)


@pytest.fixture
def log(postgres: str) -> Iterator[Subscriber]:
    """The trail, knowing that `mail` subscribed to OrderConfirmed."""
    with subscriber(trail, postgres, "orchestrator", "mail", "late") as at_work:
        for table in ("events", "deliveries", "receipts", "tallies", "joined", "subscriptions"):
            at_work.rows(f"DELETE FROM {table}")
        subscribe(at_work, "mail")
        yield at_work


def subscribe(log: Subscriber, name: str) -> None:
    """Somebody subscribes."""
    log.rows("INSERT INTO subscriptions VALUES (:e, :s)", e=CONFIRMED, s=name)


def receipt(
    event_id: MessageId, state: DeliveryState, who: str = "mail", attempts: int = 1
) -> Receipt:
    """What a subscriber says."""
    reason = "" if state == "handled" else "why"
    return Receipt(event_id=event_id, subscriber=who, state=state, attempts=attempts, reason=reason)


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
    (told,) = log.sent("orchestrator")
    assert isinstance(told, Receipts)
    assert [receipt.event_id for receipt in told.receipts] == [said.id, said.id]
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


def tallies(log: Subscriber) -> list[tuple[Any, ...]]:
    """How many deliveries ended, by subscriber and end."""
    return log.rows("SELECT * FROM tallies ORDER BY 1, 2")


def test_what_is_final_is_counted_once_however_often_it_is_said(log: Subscriber) -> None:
    """Whether it is said twice in a batch, again later, or in two batches at once."""
    said = [confirmed(("A", 1, 100)) for _ in range(3)]
    log.host.receive(said)
    tell(log, *(receipt(one.id, "handled") for one in said[:2]), receipt(said[0].id, "handled"))
    tell(log, receipt(said[0].id, "handled"), receipt(said[0].id, "ignored"))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: tell(log, receipt(said[2].id, "ignored")), range(4)))
    assert tallies(log) == [("mail", "handled", 2), ("mail", "ignored", 1)]


def test_receipts_are_remembered_but_for_a_plain_success(
    log: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each attempt that failed, in its order, also when several come in one batch; and that it was
    handled after all, as the next attempt. What went well at once leaves nothing."""
    plain, hard = (confirmed(("A", 1, 100)) for _ in range(2))
    log.host.receive([plain, hard])
    tell(log, receipt(plain.id, "handled"), receipt(hard.id, "retrying", attempts=2))
    tell(log, receipt(hard.id, "retrying", attempts=2))
    tell(log, receipt(hard.id, "dead", attempts=4), receipt(hard.id, "retrying", attempts=3))
    tell(log, receipt(hard.id, "handled"))
    with asked(routes(log.host.db, {}, lambda _: {}), monkeypatch) as client:
        (one,) = client.get(f"/events/{hard.id}/deliveries").json()
        (other,) = client.get(f"/events/{plain.id}/deliveries").json()
        listed = client.get("/events?deliveries=true").json()["events"]
    assert {e["id"]: e["deliveries"] for e in listed} == {hard.id: [one], plain.id: [other]}
    assert [(h["state"], h["attempt"], h["error"]) for h in one["history"]] == [
        ("retrying", 2, "why"),
        ("retrying", 3, "why"),
        ("dead", 4, "why"),
        ("handled", 5, ""),
    ]
    assert (one["state"], one["attempts"]) == ("handled", 5)
    assert (one["heard"], one["next_at"]) == (True, None)
    assert (other["state"], other["attempts"], other["history"]) == ("handled", 1, [])


def test_consumers_are_told_without_counting_what_is_final(
    log: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is open is counted, what is final stands in the tallies; who subscribes and was sent
    nothing yet is there too, and who is paused is marked."""
    subscribe(log, "late")
    said = [confirmed(("A", 1, 100)) for _ in range(5)]
    log.host.receive(said)
    states: tuple[DeliveryState, ...] = ("handled", "ignored", "retrying", "dead")
    tell(log, *(receipt(one.id, state) for one, state in zip(said[:4], states, strict=True)))
    told = {"mail": {"kind": "side_effect", "retries": {"attempts": 8}}}
    with asked(
        routes(log.host.db, told, lambda _: {"late": {"by": "olga"}}), monkeypatch
    ) as client:
        late, mail = client.get("/consumers").json()
    assert all(mail[state] == 1 for state in STATES)
    assert (mail["depth"], mail["not_heard"], mail["kind"]) == (2, 1, "side_effect")
    assert mail["paused"] is None
    assert (late["pending"], late["kind"], late["paused"]) == (5, None, {"by": "olga"})
    assert mail["oldest_open"]


def test_what_was_missed_is_delivered_when_asked_for(log: Subscriber) -> None:
    """Of the types and since the time that are named; a pair that was filled is opened again."""
    said = [confirmed(("A", 1, 100)) for _ in range(3)]
    log.host.receive(said)
    log.host.run(back_fill)
    log.rows("UPDATE joined SET filled = true")
    log.rows("DELETE FROM deliveries WHERE subscriber = 'mail'")
    log.rows("UPDATE events SET at = now() - interval '2 days' WHERE id = :id", id=said[0].id)
    assert log.host.run(back_fill) == 0
    since = datetime.now(UTC) - timedelta(days=1)

    def ask(session: BatchSession) -> tuple[int, int]:
        kinds = filling.heard_by(session, "mail")
        count = filling.missed(session, "mail", kinds, since)
        filling.open_again(session, "mail", kinds, since)
        return count, filling.missed(session, "mail", kinds, None)

    assert log.host.run(ask) == (2, 3)
    assert log.host.run(back_fill) == 2
    log.host.run(ask_again)
    assert len(log.sent("mail")) == 2
    assert log.host.run(lambda session: filling.heard_by(session, "trail")) == []


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
