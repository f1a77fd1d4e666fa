"""A confirmed order is locked and cancelled, or sent back in parts, each of them once."""

from collections.abc import Iterator
from typing import Any

import pytest

from contracts.messages.orders import ConfirmOrder, CreateOrder, OrderCancelled, RejectOrder
from contracts.messages.payments import PaymentCaptured
from contracts.messages.returns import (
    CancelOrder,
    CompleteReturn,
    LockOrder,
    OrderLocked,
    OrderNotLocked,
    OrderRefunded,
    OrderUnlocked,
    RegisterReturn,
    ReturnAccepted,
    ReturnExpected,
    ReturnLine,
    ReturnRefused,
    ReturnWithdrawn,
    UnlockOrder,
    WithdrawReturn,
)
from contracts.messages.shipping import OrderShipped
from contracts.messages.values import ContactId, CustomerId, Money, OrderId, Sku
from participants.orders.handlers import orders
from tests.participants.bench import Bench, bench, migrated, new_order
from tests.participants.goods import bought, line, sent_order, standing


@pytest.fixture(scope="module")
def desk(postgres: str) -> Iterator[Bench]:
    """Orders at work."""
    with bench(orders, migrated(postgres)) as at_work:
        yield at_work


def register(
    order: OrderId,
    which: str,
    *lines: tuple[str, int],
    received: bool = True,
    missing: bool = False,
) -> RegisterReturn:
    """A command to take these back; all that is left, if none are named."""
    return RegisterReturn(
        order_id=order,
        return_id=f"{order}-{which}",
        lines=tuple(ReturnLine(sku=Sku(sku), quantity=units) for sku, units in lines),
        received=received,
        missing=missing,
    )


def withdraw(order: OrderId, which: str) -> WithdrawReturn:
    """A command to forget that return."""
    return WithdrawReturn(order_id=order, return_id=f"{order}-{which}")


def complete(desk: Bench, order: OrderId, which: str) -> Any:
    """What orders says when that return is through."""
    return desk.ask(CompleteReturn(order_id=order, return_id=f"{order}-{which}"))


def returned(desk: Bench, order: OrderId) -> dict[str, int]:
    """The units that count as returned."""
    found: dict[str, int] = desk.rows("SELECT returned FROM orders WHERE id = :id", id=order)[0][0]
    return found


def due(answer: Any) -> tuple[int, int]:
    """The amount and the points that are to be given back."""
    assert isinstance(answer, ReturnAccepted | ReturnExpected), answer
    return answer.amount.amount, answer.points


def test_a_confirmed_order_is_locked_and_cancelled(desk: Bench) -> None:
    """Locked twice it is locked; while it is, nothing is sent back; then it is cancelled."""
    order = sent_order(desk, bought(line("A", 2, 100)))
    for _ in range(2):
        assert desk.ask(LockOrder(order_id=order)) == OrderLocked(order_id=order)
    assert desk.ask(register(order, "1")).reason == "the order is being cancelled"
    for _ in range(2):
        cancelled = desk.ask(CancelOrder(order_id=order, reason="found it cheaper"))
        assert cancelled == OrderCancelled(
            order_id=order, reason="found it cheaper", confirmed=True
        )
    desk.ask(UnlockOrder(order_id=order))
    assert standing(desk, order)[0] == "cancelled"
    assert desk.ask(LockOrder(order_id=order)).reason == "the order is cancelled"


def test_what_is_not_confirmed_is_not_locked(desk: Bench) -> None:
    """An order that nobody knows, a pending one, a rejected one: each with its reason."""
    order, whose = new_order(), CustomerId("c")
    assert desk.ask(LockOrder(order_id=order)) == OrderNotLocked(
        order_id=order, reason="there is no such order"
    )
    wanted = bought(line("A", 1, 100))
    create = CreateOrder(
        order_id=order, customer_id=whose, lines=wanted.lines, payable=wanted.payable
    )
    desk.ask(create)
    assert desk.ask(LockOrder(order_id=order)).reason == "the order is pending"
    contact = ContactId(order)
    desk.ask(
        RejectOrder(
            order_id=order, customer_id=whose, contact_id=contact, reason="no", cancelled=False
        )
    )
    assert desk.ask(LockOrder(order_id=order)).reason == "the order is rejected"
    desk.ask(ConfirmOrder(order_id=order))
    assert standing(desk, order)[0] == "rejected"


def test_what_was_missing_is_paid_back_once_it_is_paid_and_was_never_sent(desk: Bench) -> None:
    """Before the parcel is taken too; nothing of it counts as sent back, and no more can be missing
    than there is."""
    order, wanted = new_order(), bought(line("A", 2, 100))
    create = CreateOrder(
        order_id=order,
        customer_id=CustomerId("c"),
        lines=wanted.lines,
        payable=wanted.payable,
    )
    desk.ask(create)
    desk.ask(ConfirmOrder(order_id=order))
    assert desk.ask(register(order, "1", ("A", 1), missing=True)).reason == "it is not paid yet"
    paid = PaymentCaptured(order_id=order, amount=wanted.payable.total, reference="r")
    desk.send_all([paid])
    assert due(desk.ask(register(order, "2", ("A", 1), missing=True))) == (100, 0)
    assert complete(desk, order, "2").amount.amount == 100
    assert standing(desk, order)[2] == "none"
    more = desk.ask(register(order, "3", ("A", 2), missing=True))
    assert more.reason == "more than was sent: A"


def test_an_order_of_which_something_came_back_is_not_cancelled(desk: Bench) -> None:
    """Not even one unit; when the return is withdrawn, it can be."""
    order = sent_order(desk, bought(line("A", 2, 100)))
    desk.ask(register(order, "1", ("A", 1), received=False))
    refused = desk.ask(LockOrder(order_id=order))
    assert refused.reason == "some of it was sent back already"
    desk.ask(withdraw(order, "1"))
    assert isinstance(desk.ask(LockOrder(order_id=order)), OrderLocked)


def test_an_unlocked_order_is_as_it_was(desk: Bench) -> None:
    """It can be sent back; there is one cancellation of an order, so it is not locked again."""
    order = sent_order(desk, bought(line("A", 2, 100)))
    desk.ask(LockOrder(order_id=order))
    for _ in range(2):
        assert desk.ask(UnlockOrder(order_id=order)) == OrderUnlocked(order_id=order)
    assert desk.ask(LockOrder(order_id=order)).reason == "its cancellation was given up"
    assert standing(desk, order)[0] == "confirmed"
    assert due(desk.ask(register(order, "1"))) == (200, 0)


def test_an_unlock_that_comes_first_leaves_nothing_locked(desk: Bench) -> None:
    """The late lock is refused, so that nobody waits for an unlock that was handled before."""
    order = sent_order(desk, bought(line("A", 2, 100)))
    desk.ask(UnlockOrder(order_id=order))
    assert isinstance(desk.ask(LockOrder(order_id=order)), OrderNotLocked)
    assert due(desk.ask(register(order, "1", ("A", 1)))) == (100, 0)


def test_a_return_is_registered_by_line_and_then_whole(desk: Bench) -> None:
    """Expected while the goods are under way; the whole is all that is left."""
    order = sent_order(desk, bought(line("A", 3, 100), line("B", 1, 500)))
    first = desk.ask(register(order, "1", ("A", 1), ("A", 1), received=False))
    assert first == ReturnExpected(
        order_id=order,
        return_id=f"{order}-1",
        lines=(ReturnLine(sku=Sku("A"), quantity=2),),
        amount=Money(amount=200, currency="GBP"),
        points=0,
    )
    assert returned(desk, order) == {"A": 2}
    second = desk.ask(register(order, "2"))
    assert isinstance(second, ReturnAccepted)
    assert (due(second), returned(desk, order)) == ((600, 0), {"A": 3, "B": 1})
    assert desk.ask(register(order, "3")).reason == "nothing is left of it"


def test_a_return_that_is_registered_twice_counts_once(desk: Bench) -> None:
    """The answer is the same, also in one batch, and also when nothing is left meanwhile."""
    order = sent_order(desk, bought(line("A", 3, 100)))
    both = desk.send_all([register(order, "1", ("A", 2))] * 2)
    first, again = (desk.answer(each) for each in both)
    assert (first, due(first), returned(desk, order)) == (again, (200, 0), {"A": 2})
    desk.ask(register(order, "2"))
    assert desk.ask(register(order, "1", ("A", 2))) == first
    assert returned(desk, order) == {"A": 3}


@pytest.mark.parametrize("lines", [[("A", 4)], [("A", 2), ("A", 2)], [("A", 1), ("C", 1)]])
def test_more_than_was_sent_is_refused(desk: Bench, lines: list[tuple[str, int]]) -> None:
    """As a whole, with the SKUs of which it is too much; nothing counts as returned."""
    order = sent_order(desk, bought(line("A", 3, 100)))
    refused = desk.ask(register(order, "1", *lines))
    assert isinstance(refused, ReturnRefused)
    assert refused.reason == f"more than was sent: {lines[-1][0]}"
    assert returned(desk, order) == {}


def test_what_was_not_sent_is_not_sent_back(desk: Bench) -> None:
    """An order nobody knows, a pending one, one that waits for its carrier: each its reason."""
    order, wanted = new_order(), bought(line("A", 1, 100))
    assert desk.ask(register(order, "1")).reason == "the order is not known"
    create = CreateOrder(
        order_id=order, customer_id=CustomerId("c"), lines=wanted.lines, payable=wanted.payable
    )
    desk.ask(create)
    assert desk.ask(register(order, "2")).reason == "the order is pending"
    desk.ask(ConfirmOrder(order_id=order))
    assert desk.ask(register(order, "3")).reason == "nothing of it was sent"
    desk.send_all([OrderShipped(order_id=order, carrier="c", tracking="t")])
    assert due(desk.ask(register(order, "4"))) == (100, 0)


def test_a_withdrawn_return_counts_no_more(desk: Bench) -> None:
    """Withdrawn twice, its units are the customer's once; it is not registered again."""
    order = sent_order(desk, bought(line("A", 3, 100)))
    desk.ask(register(order, "1", ("A", 2), received=False))
    for _ in range(2):
        assert desk.ask(withdraw(order, "1")) == ReturnWithdrawn(
            order_id=order, return_id=f"{order}-1"
        )
        assert returned(desk, order) == {}
    assert desk.ask(register(order, "1", ("A", 2))).reason == "it was withdrawn before"
    assert due(desk.ask(register(order, "2"))) == (300, 0)


def test_a_withdrawal_that_comes_first_leaves_a_tombstone(desk: Bench) -> None:
    """The late registration is refused, in one batch too; others are not concerned."""
    order = sent_order(desk, bought(line("A", 3, 100)))
    _, late = desk.send_all([withdraw(order, "1"), register(order, "1", ("A", 2))])
    assert desk.answer(late) == ReturnRefused(
        order_id=order, return_id=f"{order}-1", reason="it was withdrawn before"
    )
    tombstone = desk.rows("SELECT state, units FROM returns WHERE order_id = :id", id=order)
    assert (tombstone, returned(desk, order)) == ([("withdrawn", {})], {})
    assert due(desk.ask(register(order, "2", ("A", 1)))) == (100, 0)


def test_a_completed_return_says_what_was_given_back(desk: Bench) -> None:
    """The order is partly returned, then returned; a late withdrawal takes nothing back."""
    order = sent_order(desk, bought(line("A", 2, 100), points=150))
    desk.ask(register(order, "1", ("A", 1)))
    desk.ask(register(order, "2", received=False))
    for _ in range(2):
        assert complete(desk, order, "1") == OrderRefunded(
            order_id=order,
            customer_id=CustomerId("c"),
            return_id=f"{order}-1",
            amount=Money(amount=50, currency="GBP"),
            points=50,
        )
        assert standing(desk, order)[2] == "partly returned"
    desk.ask(withdraw(order, "1"))
    assert returned(desk, order) == {"A": 2}
    last = complete(desk, order, "2")
    assert (last.amount.amount, last.points) == (0, 100)
    assert standing(desk, order)[2] == "returned"


def test_many_returns_take_as_many_statements_as_one(desk: Bench) -> None:
    """Registered and completed: lines and earlier returns are loaded for the whole batch."""

    def spent(orders: int) -> list[int]:
        sent = [sent_order(desk, bought(line("A", 3, 100))) for _ in range(orders)]
        counts = []
        for which in "ab":
            registering = [register(order, which, ("A", 1)) for order in sent]
            completing = [
                CompleteReturn(order_id=order, return_id=f"{order}-{which}") for order in sent
            ]
            for batch in (registering, completing):
                counts.append(desk.statements(batch, "orders", "returns"))
        return counts

    assert spent(1) == spent(20)
