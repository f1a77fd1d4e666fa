"""Points are taken once and given back once, and every balance is the sum of its entries."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from contracts.messages.base import Command, Message
from contracts.messages.loyalty import (
    LoyaltyPointsApplied,
    LoyaltyPointsRefused,
    LoyaltyPointsRestored,
    RestorePoints,
)
from contracts.messages.values import CustomerId, OrderId
from participants.loyalty import points
from tests.participants.bench import Bench, new_order
from tests.participants.members import (
    balance,
    cancelled,
    confirmed,
    entries,
    guest,
    loyalty_desk,
    member,
    redeem,
    stranger,
)
from tests.simulators.running import until


@pytest.fixture
def desk(postgres: str) -> Iterator[Bench]:
    """Loyalty at work."""
    with loyalty_desk(postgres) as at_work:
        yield at_work


def earning(desk: Bench, order: OrderId) -> tuple[Any, ...]:
    """What the order earned, what of it was not recovered, and its state."""
    query = "SELECT points, unrecovered, state FROM order_earnings WHERE order_id = :o"
    return desk.rows(query, o=order)[0]


def test_points_are_taken_for_an_order(desk: Bench) -> None:
    """Exactly those that were asked for."""
    customer, order = member(desk, 50), new_order()
    answer = desk.ask(redeem(order, customer, 30))
    assert answer == LoyaltyPointsApplied(order_id=order, points=30)
    assert entries(desk, customer) == [("adjust", 50), ("redeem", -30)]
    assert balance(desk, customer) == 20


def test_too_few_points_are_refused_with_how_many_there_are(desk: Bench) -> None:
    """None is taken, and the same order may ask for less."""
    customer, order = member(desk, 12), new_order()
    answer = desk.ask(redeem(order, customer, 50))
    reason = "12 of 50 points are there"
    assert answer == LoyaltyPointsRefused(order_id=order, points=50, reason=reason)
    assert balance(desk, customer) == 12
    assert isinstance(desk.ask(redeem(order, customer, 12)), LoyaltyPointsApplied)


@pytest.mark.parametrize("wanted", [1, 0, -5])
def test_who_has_no_account_redeems_nothing(desk: Bench, wanted: int) -> None:
    """Neither points that are not there, nor less than one: that would be a gift."""
    customer = stranger()
    assert isinstance(desk.ask(redeem(new_order(), customer, wanted)), LoyaltyPointsRefused)
    assert balance(desk, customer) is None


def test_an_order_takes_its_points_once(desk: Bench) -> None:
    """Redeemed three times under different ids, once alone and twice in one batch."""
    customer, order = member(desk, 50), new_order()
    wish = redeem(order, customer, 20)
    for sent in (desk.send(wish), *desk.send_all([wish, wish])):
        assert desk.answer(sent) == LoyaltyPointsApplied(order_id=order, points=20)
    assert balance(desk, customer) == 30


def test_points_are_given_back_once(desk: Bench) -> None:
    """Restored twice: the balance is what it was, and the order takes none any more."""
    customer, order = member(desk, 50), new_order()
    desk.ask(redeem(order, customer, 20))
    for _ in range(2):
        assert desk.ask(RestorePoints(order_id=order)) == LoyaltyPointsRestored(order_id=order)
    assert isinstance(desk.ask(redeem(order, customer, 20)), LoyaltyPointsRefused)
    assert entries(desk, customer) == [("adjust", 50), ("redeem", -20), ("restore", 20)]
    assert balance(desk, customer) == 50


def test_a_restore_that_comes_first_makes_the_late_redeem_do_nothing(desk: Bench) -> None:
    """The tombstone: none is taken, and the answer says why."""
    customer, order = member(desk, 50), new_order()
    assert isinstance(desk.ask(RestorePoints(order_id=order)), LoyaltyPointsRestored)
    answer = desk.ask(redeem(order, customer, 20))
    assert answer.reason == "restored before they were redeemed"
    assert balance(desk, customer) == 50


def test_a_confirmed_order_earns_once_and_rounded_down(desk: Bench) -> None:
    """1999 minor units are 19 points however often it is told; 99 are none, and so is nothing."""
    customer, order = stranger(), new_order()
    desk.send_all([confirmed(new_order(), customer, amount) for amount in (0, 99)])
    assert balance(desk, customer) is None
    event = confirmed(order, customer, 1999)
    desk.send_all([event])
    desk.send_all([event, event])
    assert entries(desk, customer) == [("earn", 19)]
    assert balance(desk, customer) == 19


def test_a_guest_earns_nothing(desk: Bench) -> None:
    """There is no account for who cannot come back to it."""
    customer = guest()
    desk.send_all([confirmed(new_order(), customer, 5000)])
    assert (balance(desk, customer), entries(desk, customer)) == (None, [])


def test_several_orders_of_one_customer_in_one_batch_see_each_other(desk: Bench) -> None:
    """What one earns the next may take, and what is given back the one after it; no more."""
    customer, orders = stranger(), [new_order() for _ in range(4)]
    sent = desk.send_all(
        [
            confirmed(orders[0], customer, 3000),
            redeem(orders[1], customer, 20),
            redeem(orders[2], customer, 20),
            RestorePoints(order_id=orders[1]),
            redeem(orders[3], customer, 25),
        ]
    )
    answers = [desk.answer(one) for one in sent if isinstance(one.message, Command)]
    assert [type(answer) for answer in answers] == [
        LoyaltyPointsApplied,
        LoyaltyPointsRefused,
        LoyaltyPointsRestored,
        LoyaltyPointsApplied,
    ]
    assert answers[1].reason == "10 of 20 points are there"
    assert balance(desk, customer) == 5


def test_what_was_earned_is_taken_back_once(desk: Bench) -> None:
    """Cancelled twice: what the other order earned stays."""
    customer, order = stranger(), new_order()
    desk.send_all([confirmed(order, customer, 2000)])
    desk.send_all([confirmed(new_order(), customer, 500)])
    desk.send_all([cancelled(order)])
    desk.send_all([cancelled(order), cancelled(order)])
    assert entries(desk, customer) == [("earn", 20), ("earn", 5), ("reverse", -20)]
    assert (balance(desk, customer), earning(desk, order)) == (5, (20, 0, "reversed"))


@pytest.mark.parametrize("spent", [15, 20])
def test_what_was_spent_cannot_be_taken_back_and_is_recorded(desk: Bench, spent: int) -> None:
    """The balance goes down to nothing, not below."""
    customer, order = stranger(), new_order()
    desk.send_all([confirmed(order, customer, 2000)])
    desk.ask(redeem(new_order(), customer, spent))
    desk.send_all([cancelled(order)])
    assert (balance(desk, customer), earning(desk, order)) == (0, (20, spent, "reversed"))


def test_a_cancellation_that_overtakes_its_confirmation_reverses_after_it(desk: Bench) -> None:
    """It waits, put aside, until the confirmation is applied."""
    customer, order = stranger(), new_order()
    desk.send_all([cancelled(order)])
    desk.send_all([confirmed(order, customer, 2000)])
    until(lambda: earning(desk, order) == (20, 0, "reversed"))
    assert balance(desk, customer) == 0


def test_the_last_points_are_redeemed_once(desk: Bench) -> None:
    """Of 50 orders that ask at once for 3 of 20 points each, 6 have them."""
    customer = member(desk, 20)
    wishes = [redeem(new_order(), customer, 3) for _ in range(50)]
    with ThreadPoolExecutor(50) as workers:
        answers = [desk.answer(sent) for sent in workers.map(desk.send, wishes)]
    assert sum(isinstance(answer, LoyaltyPointsApplied) for answer in answers) == 6
    assert balance(desk, customer) == 2


def test_first_orders_of_one_customer_add_up_when_they_are_confirmed_at_once(desk: Bench) -> None:
    """Batches that open the same accounts at the same time lose no point."""
    customers = [stranger() for _ in range(5)]
    batches: list[list[Message]] = [
        [confirmed(new_order(), customer, 100) for customer in customers] for _ in range(20)
    ]
    with ThreadPoolExecutor(8) as workers:
        list(workers.map(desk.send_all, batches))
    assert [balance(desk, customer) for customer in customers] == [20] * 5
    assert [len(entries(desk, customer)) for customer in customers] == [20] * 5


def test_of_two_who_open_an_account_at_once_neither_is_run_again(desk: Bench) -> None:
    """Both see that there is none, both commit, and the second adds to what the first wrote."""
    customer = stranger()
    with desk.host.db.transaction() as second:
        points.earn(second, new_order(), customer, 100)
        with desk.host.db.transaction() as first:
            points.earn(first, new_order(), customer, 200)
    assert balance(desk, customer) == 3


@pytest.mark.parametrize("seed", range(3))
def test_every_balance_is_the_sum_of_its_entries_whatever_happens(desk: Bench, seed: int) -> None:
    """Orders of few customers, redeemed, restored, confirmed and cancelled in any order and twice,
    by eight workers at once: the accounts agree with the ledger and with what orders have."""
    chance = random.Random(seed)
    customers = [member(desk, 40) for _ in range(3)] + [stranger() for _ in range(3)]
    messages = [said for _ in range(60) for said in _anything(chance, chance.choice(customers))]
    chance.shuffle(messages)
    batches = [messages[start : start + 7] for start in range(0, len(messages), 7)]
    with ThreadPoolExecutor(8) as workers:
        sent = [one for part in workers.map(desk.send_all, batches) for one in part]
    for envelope in sent:
        assert not isinstance(envelope.message, Command) or desk.answer(envelope)
    until(lambda: not desk.rows("SELECT 1 FROM attempts WHERE due_at IS NOT NULL"))
    for customer in customers:
        assert _told_by_ledger(desk, customer) == (balance(desk, customer) or 0)
        assert _told_by_orders(desk, customer) == (balance(desk, customer) or 0)
    assert desk.rows("SELECT 1 FROM dead_letters") == []


def _anything(chance: random.Random, customer: CustomerId) -> list[Message]:
    """What may happen to one order, some of it twice."""
    order = new_order()
    wish = redeem(order, customer, chance.randint(1, 30))
    happens: list[Message] = [wish, confirmed(order, customer, chance.randint(0, 3000))]
    happens += chance.sample([wish, RestorePoints(order_id=order), cancelled(order)], 2)
    return happens + chance.sample(happens, 1)


def _told_by_ledger(desk: Bench, customer: str) -> int:
    return sum(moved for _, moved in entries(desk, customer))


def _told_by_orders(desk: Bench, customer: str) -> int:
    query = """
        SELECT coalesce((SELECT adjusted FROM points_accounts WHERE customer_id = :c), 0)
          - (SELECT coalesce(sum(points), 0) FROM order_redemptions
             WHERE customer_id = :c AND state = 'applied')
          + (SELECT coalesce(sum(CASE state WHEN 'earned' THEN points ELSE unrecovered END), 0)
             FROM order_earnings WHERE customer_id = :c)"""
    return int(desk.rows(query, c=customer)[0][0])


def test_a_large_batch_takes_as_many_statements_as_a_small_one(desk: Bench) -> None:
    """However many orders and customers; accounts are found in one query."""

    def spent(number: int) -> list[int]:
        some = [(new_order(), member(desk, 9)) for _ in range(number)]
        steps: list[list[Message]] = [
            [redeem(order, customer, 1) for order, customer in some],
            [RestorePoints(order_id=order) for order, _ in some],
            [confirmed(order, customer, 200) for order, customer in some],
            [cancelled(order) for order, _ in some],
            [confirmed(new_order(), stranger(), 200) for _ in some],
        ]
        return [desk.statements(step, "points_", "order_") for step in steps]

    assert spent(2) == spent(40) == [3, 3, 3, 4, 3]


@pytest.mark.parametrize(
    "change", ["UPDATE points_entries SET points = 1", "DELETE FROM points_entries"]
)
def test_the_service_cannot_rewrite_its_ledger(desk: Bench, change: str) -> None:
    """Its role may add to the ledger and read it."""
    with desk.host.db.transaction() as session:
        session.execute(text("SET LOCAL ROLE concerto_loyalty"))
        with pytest.raises(ProgrammingError, match="permission denied"):
            session.execute(text(change))
        session.rollback()
