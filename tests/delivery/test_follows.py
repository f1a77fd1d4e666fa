"""An event that follows another is applied after it, whichever arrives first."""

from dataclasses import replace

from sqlalchemy.orm import Session

from contracts.delivery.envelope import Envelope
from contracts.delivery.service import Service
from contracts.messages.orders import OrderCancelled, OrderConfirmed, confirmation
from tests.delivery.conftest import Bench
from tests.delivery.test_inbox import confirmed, order, said
from tests.simulators.running import until


def cancelled(name: str) -> Envelope:
    """The event that the confirmed order of this name is cancelled."""
    event = OrderCancelled(order_id=order(name), reason="so", confirmed=True)
    return said(event, f"cancelled {name}")


def first(name: str) -> Envelope:
    """Its confirmation, under the id that the cancellation follows."""
    return replace(confirmed(name), id=confirmation(order(name)).id)


def subscriber(bench: Bench, *, to_both: bool = True) -> Service:
    """A subscriber that remembers what it applied."""
    mail = bench.service("mail")
    if to_both:

        @mail.on(OrderConfirmed)
        def hear_confirmed(event: OrderConfirmed, session: Session) -> None:
            bench.effects.append("confirmed")

    @mail.on(OrderCancelled)
    def hear_cancelled(event: OrderCancelled, session: Session) -> None:
        bench.effects.append("cancelled")

    return mail


def test_a_cancellation_waits_for_its_confirmation(bench: Bench) -> None:
    """It is put aside, and applied once the confirmation has been."""
    host = bench.memory.host(subscriber(bench))
    host.receive([cancelled("a")])
    assert bench.effects == []
    host.receive([first("a")])
    until(lambda: host.inbox.retry(10))
    assert bench.effects == ["confirmed", "cancelled"]
    assert bench.rows("mail", "SELECT count(*) FROM dead_letters") == [(0,)]


def test_what_follows_in_order_is_applied_at_once(bench: Bench) -> None:
    host = bench.memory.host(subscriber(bench))
    host.receive([first("a")])
    host.receive([cancelled("a")])
    assert bench.effects == ["confirmed", "cancelled"]


def test_who_does_not_hear_of_confirmations_does_not_wait_for_one(bench: Bench) -> None:
    host = bench.memory.host(subscriber(bench, to_both=False))
    host.receive([cancelled("a")])
    assert bench.effects == ["cancelled"]


def test_its_neighbours_do_not_wait(bench: Bench) -> None:
    host = bench.memory.host(subscriber(bench))
    host.receive([cancelled("a"), first("b"), first("c")])
    assert bench.effects.count("confirmed") >= 2
    assert "cancelled" not in bench.effects
