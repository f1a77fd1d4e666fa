"""A batch takes effect once, each message unharmed by its neighbours."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from contracts.delivery.envelope import Envelope, repeated
from contracts.delivery.service import Service
from contracts.messages.base import Message
from contracts.messages.inventory import InventoryReserved, ReserveInventory
from contracts.messages.orders import OrderConfirmed
from contracts.messages.values import (
    ContactId,
    CustomerId,
    MessageId,
    Money,
    OrderId,
    stamped,
)
from tests.delivery.conftest import Bench

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def order(name: str) -> OrderId:
    """An order id that is the same whenever the same name is given."""
    return OrderId(stamped(NOW, name))


def said(message: Message, name: str, source: str = "shop") -> Envelope:
    """The message in an envelope whose id follows from `name`."""
    return Envelope(
        id=MessageId(stamped(NOW, "message", name)),
        message=message,
        source=source,
        at=NOW,
        subject=order(name),
    )


def reserve(name: str) -> Envelope:
    """A command to reserve for the order of this name."""
    return said(ReserveInventory(order_id=order(name), lines=(), short="reject"), name)


def confirmed(name: str) -> Envelope:
    """The event that the order of this name is confirmed."""
    event = OrderConfirmed(
        order_id=order(name),
        customer_id=CustomerId("c"),
        contact_id=ContactId(order(name)),
        lines=(),
        total=Money(amount=1, currency="GBP"),
    )
    return said(event, name)


@pytest.fixture
def stock(bench: Bench) -> Service:
    """Reserves by writing one row an order; fails for the orders in `bench.effects`."""
    with_table(bench)
    service = bench.service("stock")

    @service.handles(ReserveInventory)
    def reserve(command: ReserveInventory, session: Session) -> InventoryReserved:
        session.execute(text("INSERT INTO effects VALUES (:id)"), {"id": command.order_id})
        if command.order_id in bench.effects:
            raise RuntimeError("no luck")
        return InventoryReserved(order_id=command.order_id)

    return service


def note(session: Session, identity: str) -> None:
    """Write an effect that can be counted."""
    session.execute(text("INSERT INTO stock.effects VALUES (:id)"), {"id": identity})


def with_table(bench: Bench) -> None:
    """A table in which a second effect of one order is seen."""
    bench.memory.host(Service("shop"))
    with bench.memory.hosts["shop"].db.transaction() as session:
        session.execute(text("CREATE TABLE IF NOT EXISTS stock.effects (id text NOT NULL)"))


def replies(bench: Bench) -> list[Any]:
    """The messages waiting for the shop, oldest first."""
    waiting = bench.memory._queues["shop"]
    return [
        envelope.message for _ in range(waiting.qsize()) for envelope in waiting.get_nowait() or ()
    ]


def test_a_command_takes_effect_and_is_answered(bench: Bench, stock: Service) -> None:
    """One command: one effect, one settled inbox row, one result to whoever asked."""
    bench.memory.host(stock).receive([reserve("a")])
    assert bench.rows("stock", "SELECT count(*) FROM effects") == [(1,)]
    assert replies(bench) == [InventoryReserved(order_id=order("a"))]
    assert bench.rows("stock", "SELECT settled FROM inbox") == [(True,)]


def test_a_duplicate_is_answered_without_a_second_effect(bench: Bench, stock: Service) -> None:
    """The same command three times, twice in one batch: one effect, the same answer each time."""
    host = bench.memory.host(stock)
    host.receive([reserve("a"), reserve("a")])
    host.receive([reserve("a")])
    assert bench.rows("stock", "SELECT count(*) FROM effects") == [(1,)]
    assert replies(bench) == [InventoryReserved(order_id=order("a"))] * 2


def test_a_duplicate_that_would_fail_is_answered_all_the_same(bench: Bench, stock: Service) -> None:
    """It comes as if for the first time and its handler raises now: what is stored is the answer,
    and nothing is put aside."""
    host = bench.memory.host(stock)
    host.receive([reserve("a")])
    bench.effects.append(order("a"))
    host.receive([reserve("a"), reserve("b")])
    assert bench.rows("stock", "SELECT count(*) FROM effects") == [(2,)]
    assert bench.rows("stock", "SELECT count(*) FROM attempts") == [(0,)]
    answers = [InventoryReserved(order_id=order(name)) for name in ("a", "a", "b")]
    assert sorted(replies(bench), key=str) == sorted(answers, key=str)


def test_a_failing_message_leaves_its_neighbours_unharmed(bench: Bench, stock: Service) -> None:
    """Of three, the second raises: two take effect, the third one waits alone with its reason."""
    bench.effects.append(order("b"))
    bench.memory.host(stock).receive([reserve("a"), reserve("b"), reserve("c")])
    done = {row[0] for row in bench.rows("stock", "SELECT id FROM effects")}
    assert done == {order("a"), order("c")}
    waiting = bench.rows("stock", "SELECT error FROM attempts WHERE due_at IS NOT NULL")
    assert waiting == [("RuntimeError: no luck",)]


def test_a_reason_that_no_table_could_keep_is_kept_as_far_as_it_can_be(
    bench: Bench, stock: Service
) -> None:
    """PostgreSQL has no text with a NUL in it."""
    bench.memory.host(stock).inbox.put_aside(reserve("a"), "no\0luck" + "!" * 5000)
    (kept,) = bench.rows("stock", "SELECT error FROM attempts")
    assert str(kept[0]).startswith("no\\0luck!")


def test_what_failed_is_tried_again_alone_and_takes_effect(bench: Bench, stock: Service) -> None:
    """Once the reason is gone, the due loop's retry applies it and forgets the attempts."""
    bench.effects.append(order("b"))
    host = bench.memory.host(stock)
    host.receive([reserve("a"), reserve("b")])
    bench.effects.clear()
    with host.db.transaction() as session:
        session.execute(text("UPDATE attempts SET due_at = now()"))
    assert host.inbox.retry(10) == 1
    assert bench.rows("stock", "SELECT count(*) FROM effects") == [(2,)]
    assert bench.rows("stock", "SELECT count(*) FROM attempts") == [(0,)]


def test_at_the_limit_a_message_becomes_a_dead_letter(bench: Bench, stock: Service) -> None:
    """A message that always fails ends as one dead letter with its reason, and nothing waits."""
    bench.effects.append(order("b"))
    host = bench.memory.host(stock)
    host.receive([reserve("b")])
    for _ in range(10):
        with host.db.transaction() as session:
            session.execute(text("UPDATE attempts SET due_at = now() WHERE due_at IS NOT NULL"))
        host.inbox.retry(10)
    assert bench.rows("stock", "SELECT reason, attempts FROM dead_letters") == [
        ("RuntimeError: no luck", 8)
    ]
    assert bench.rows("stock", "SELECT count(*) FROM attempts") == [(0,)]


def test_a_batch_that_ended_its_worker_is_run_one_by_one(bench: Bench, stock: Service) -> None:
    """A batch counted before and never uncounted is split, so a poison message fails alone."""
    host = bench.memory.host(stock)
    batch = sorted([reserve("a"), reserve("b")], key=lambda envelope: envelope.id)
    host.inbox._attempts.begin(batch)
    assert [len(part) for _, part in host.inbox._attempts.begin(batch)] == [1, 1]


def test_what_comes_again_is_counted_until_it_takes_effect(bench: Bench) -> None:
    """A worker that ends at every delivery: the first goes uncounted, the last is a dead letter."""
    service = bench.service("stock")
    bench.memory.host(Service("shop"))

    @service.handles(ReserveInventory)
    def ends(command: ReserveInventory, session: Session) -> InventoryReserved:
        raise KeyboardInterrupt

    host = bench.memory.host(service)
    counts: list[tuple[object, ...]] = []
    for sending in range(9):
        envelope = reserve("a") if sending == 0 else repeated(reserve("a"))
        with pytest.raises(KeyboardInterrupt):
            host.receive([envelope])
        counts += bench.rows("stock", "SELECT coalesce(sum(count), 0) FROM attempts")
    assert counts == [(n,) for n in range(9)]
    host.receive([repeated(reserve("a"))])
    assert bench.rows("stock", "SELECT reason FROM dead_letters") == [
        ("the worker ended each time it was handled",)
    ]
    assert bench.rows("stock", "SELECT count(*) FROM attempts") == [(0,)]


def test_what_took_effect_at_last_is_counted_no_more(bench: Bench, stock: Service) -> None:
    """It is uncounted in the transaction of its effect."""
    bench.memory.host(stock).receive([repeated(reserve("a")), repeated(reserve("b"))])
    assert bench.rows("stock", "SELECT count(*) FROM effects") == [(2,)]
    assert bench.rows("stock", "SELECT count(*) FROM attempts") == [(0,)]


def test_a_command_without_a_handler_is_a_dead_letter_in_the_end(bench: Bench) -> None:
    """A service that does not handle a command keeps it with the reason instead of losing it."""
    bench.memory.host(Service("shop"))
    host = bench.memory.host(bench.service("stock"))
    host.receive([reserve("a")])
    ((error,),) = bench.rows("stock", "SELECT error FROM attempts")
    assert "has no handler" in str(error)


def test_an_event_is_applied_once_and_its_receipt_goes_to_the_trail(bench: Bench) -> None:
    """Twice delivered, once applied, reported each time."""
    with_table(bench)
    mail, trail = bench.service("mail"), bench.service("trail")
    told: list[Any] = []
    mail.on(OrderConfirmed)(lambda event, session: note(session, event.order_id))
    trail.everything(lambda events, session: None)
    trail.receipts(lambda receipts, session: told.extend(receipts))
    bench.memory.host(trail)
    host = bench.memory.host(mail)
    for _ in range(2):
        host.receive([confirmed("a")])
        bench.memory.settle()
    assert bench.rows("mail", "SELECT id FROM stock.effects") == [(order("a"),)]
    assert [(receipt.subscriber, receipt.state) for receipt in told] == [("mail", "handled")] * 2
