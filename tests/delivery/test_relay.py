"""Events leave at once when they come alone, and together while many come."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from contracts.delivery.envelope import Envelope
from contracts.delivery.outbox import MOST_WAITING, Done, Relay, put
from contracts.delivery.quarantine import sift
from contracts.delivery.turn import REASON_CHARACTERS
from contracts.delivery.wire.sender import bodies
from contracts.messages.catalogue import CONTENT_TYPE, type_of
from contracts.messages.orders import OrderCancelled
from contracts.messages.shipping import OrderShipped
from contracts.messages.trail import Receipt, Receipts
from contracts.runtime.database import Database
from contracts.runtime.settings import Settings
from tests.participants.bench import new_order
from tests.side_effects.heard import event

CANCELLED = type_of(OrderCancelled)
CONFIG = Settings()


class Broker:
    """What was sent, and a switch to refuse it."""

    def __init__(self) -> None:
        self.sent: list[dict[str, int]] = []
        self.envelopes: list[Envelope] = []
        self.down = False

    def __call__(
        self, outgoing: Mapping[str, Sequence[Envelope]], done: Done | None = None, /
    ) -> None:
        """Note how many messages went where."""
        if self.down:
            raise ConnectionError("the broker is away")
        self.sent.append({to: len(envelopes) for to, envelopes in outgoing.items()})
        self.envelopes += [envelope for each in outgoing.values() for envelope in each]
        if done:
            done()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands until it is moved."""
    at = [100.0]
    monkeypatch.setattr("contracts.delivery.outbox.monotonic", lambda: at[0])
    return at


@pytest.fixture
def relay(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> Relay:
    """A relay that knows of two subscribers and the trail."""
    known = {CANCELLED: ("email", "loyalty", "trail")}
    monkeypatch.setattr("contracts.delivery.outbox.subscribers", lambda _: known)
    return Relay(Database("orders", CONFIG), Broker(), CONFIG)


def events(count: int) -> list[Envelope]:
    """So many events."""
    orders = [new_order() for _ in range(count)]
    return [event(OrderCancelled(order_id=o, reason="", confirmed=False), o) for o in orders]


def sent(relay: Relay) -> list[dict[str, int]]:
    """What has left since it was asked last."""
    broker: Any = relay._send
    left, broker.sent = broker.sent, []
    return left  # type: ignore[no-any-return]


def test_what_happens_to_two_parcels_of_an_order_at_once_is_two_events(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A chore finds both out in one moment."""
    moment = datetime.now(UTC)
    monkeypatch.setattr("contracts.delivery.outbox.datetime", SimpleNamespace(now=lambda _: moment))
    session: Any = SimpleNamespace(info={"service": "shipping", "events": []})
    order = new_order()
    told = [
        OrderShipped(order_id=order, carrier="royal", tracking=f"R{n}", parcel=n) for n in (1, 2)
    ]
    ids = [put(session, event, subject=order) for event in (*told, told[0])]
    assert len({*ids}) == 2
    assert ids[0] == ids[2]


def test_what_comes_alone_goes_at_once(relay: Relay, clock: list[float]) -> None:
    """Each a second after the other; only the trail's copies wait."""
    for _ in range(2):
        clock[0] += 1
        relay.publish(events(1))
        assert sent(relay) == [{"email": 1, "loyalty": 1}]
    relay.send_reports()
    assert sent(relay) == [{"trail": 2}]


def test_what_comes_at_the_heels_of_others_waits_for_the_round(relay: Relay) -> None:
    """Three of one moment: the first goes, the others with the loop's next round."""
    for _ in range(3):
        relay.publish(events(1))
    assert sent(relay) == [{"email": 1, "loyalty": 1}]
    relay.send_events()
    assert sent(relay) == [{"email": 2, "loyalty": 2}]
    relay.send_events()
    assert sent(relay) == []


def test_a_full_batch_waits_for_nobody(relay: Relay) -> None:
    """As many as travel together anyway."""
    relay.publish(events(1))
    relay.publish(events(MOST_WAITING))
    assert sent(relay) == [
        {"email": 1, "loyalty": 1},
        {"email": MOST_WAITING, "loyalty": MOST_WAITING},
        {"trail": MOST_WAITING + 1},
    ]


def test_receipts_travel_together_in_bodies_that_are_not_too_large(relay: Relay) -> None:
    """Each with as long a reason as is kept, of characters that take six bytes each."""
    reason = "\x1f" * REASON_CHARACTERS
    said = [
        Receipt(event_id=e.id, subscriber="email", state="dead", attempts=8, reason=reason)
        for e in events(MOST_WAITING - 1)
    ]
    relay.report({"trail": said})
    assert sent(relay) == []
    relay.send_reports()
    broker: Any = relay._send
    assert len(broker.envelopes) < 5
    read = [sift(b.decode(), CONTENT_TYPE, CONFIG) for b in bodies(broker.envelopes, CONFIG, {})]
    assert not any(letters for _, letters in read)
    told = [e.message for batch, _ in read for e in batch]
    assert [r for t in told if isinstance(t, Receipts) for r in t.receipts] == said


def test_only_what_has_left_counts_as_sent(relay: Relay) -> None:
    """What waits, or could not be sent, stays due in the outbox."""
    first, second, third = events(3)
    relay.publish([first])
    relay.publish([second])
    assert relay._sent == [first.id]
    broker: Any = relay._send
    broker.down = True
    with pytest.raises(ConnectionError):
        relay.send_events()
    broker.down = False
    relay.publish([third])
    relay.send_events()
    assert relay._sent == [first.id, third.id]
