"""Codes take off what they say, never more often than they may, and a use given back is free."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from contracts.delivery.memory import Memory
from contracts.delivery.service import Service
from contracts.messages.base import Command, Message
from contracts.messages.promotions import (
    PromotionApplied,
    PromotionRefused,
    PromotionWithdrawn,
    WithdrawPromotion,
)
from contracts.messages.values import CustomerId, OrderId, stamped
from contracts.runtime.settings import Settings
from participants.promotions.handlers import promotions
from tests.participants.bench import Bench, bench, migrated, new_order
from tests.participants.codes import BOB, HOUR, NOW, apply, offered, uses

RACERS, EACH, ROUNDS = 10, 10, 20


@pytest.fixture
def desk(postgres: str) -> Iterator[Bench]:
    """Promotions at work."""
    with bench(promotions, migrated(postgres)) as at_work:
        yield at_work


@pytest.fixture
def racers(postgres: str) -> Iterator[list[Bench]]:
    """Promotions in many processes, as the database sees it: each with connections of its own."""
    url = migrated(postgres)
    with ExitStack() as stack:
        yield [stack.enter_context(racer(url)) for _ in range(RACERS)]


@contextmanager
def racer(url: str) -> Iterator[Bench]:
    """One of them, which does only what it is sent."""
    memory = Memory(Settings(database_url=url))
    memory.host(Service("asker"))
    host = memory.host(promotions)
    try:
        yield Bench(host, memory)
    finally:
        host.stop()


def at_once(racers: list[Bench], commands: list[Command[Any]]) -> list[Any]:
    """All their answers, when the racers share the commands and begin together."""
    line = Barrier(len(racers))

    def run(number: int) -> list[Any]:
        line.wait(timeout=20)
        half, mine = EACH // 2, commands[number :: len(racers)]
        return [*racers[number].send_all(mine[:half]), *racers[number].send_all(mine[half:])]

    with ThreadPoolExecutor(len(racers)) as threads:
        sent = list(threads.map(run, range(len(racers))))
    return [racers[n].answer(envelope) for n, part in enumerate(sent) for envelope in part]


def applied(answers: list[Any]) -> int:
    """How many were granted a use."""
    return sum(isinstance(answer, PromotionApplied) for answer in answers)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"enabled": False}, "not in use"),
        ({"valid_from": NOW + HOUR}, "valid from"),
        ({"valid_until": NOW - HOUR}, "was valid until"),
        ({"most_uses": 2, "uses": 2}, "used up"),
    ],
)
def test_a_code_that_does_not_count_is_refused(
    desk: Bench, limits: dict[str, Any], reason: str
) -> None:
    """Disabled, early, over or used up: the customer reads why, and no use is taken."""
    code, order = offered(desk, **limits), new_order()
    answer = desk.ask(apply(code, order))
    assert isinstance(answer, PromotionRefused)
    assert (answer.order_id, answer.code) == (order, code)
    assert reason in answer.reason
    assert uses(desk, code) == (limits.get("uses", 0), 0, 0)


@pytest.mark.parametrize("code", ["NOBODY-KNOWS", "", "not a code", "ſ", "X" * 1000])
def test_a_code_nobody_knows_is_refused(desk: Bench, code: str) -> None:
    """Whatever was typed."""
    assert desk.ask(apply(code)).reason == "there is no such code"


def test_a_code_holds_for_orders_placed_while_it_was_valid(desk: Bench) -> None:
    """However late the command comes: what counts is when the order was placed."""
    code = offered(desk, valid_until=NOW - HOUR)
    early = OrderId(stamped(NOW - 1.5 * HOUR, "order", code))
    assert desk.ask(apply(code, early)) == PromotionApplied(order_id=early, code=code)
    assert isinstance(desk.ask(apply(code)), PromotionRefused)


def test_upper_and_lower_case_are_one_code(desk: Bench) -> None:
    """Typed as one likes, it is the same code with the same limit."""
    code = offered(desk, most_uses=2)
    answers = [desk.ask(apply(each)) for each in (code.lower(), code.title(), code)]
    assert [type(answer) for answer in answers] == [PromotionApplied] * 2 + [PromotionRefused]
    assert answers[0].code == code


def test_a_customer_uses_a_code_as_often_as_each_may(desk: Bench) -> None:
    """Another customer is not concerned."""
    code = offered(desk, most_uses_per_customer=1)
    assert applied([desk.ask(apply(code)) for _ in range(3)]) == 1
    assert desk.ask(apply(code)).reason == "you have used the code as often as you may"
    assert applied([desk.ask(apply(code, customer=BOB))]) == 1
    assert uses(desk, code) == (2, 2, 2)


def test_applying_again_for_an_order_answers_the_same(desk: Bench) -> None:
    """One use, though the code is used up and over by then; another code is refused."""
    code, order = offered(desk, most_uses=1), new_order()
    first = desk.ask(apply(code, order))
    desk.rows("UPDATE promotions SET enabled = false WHERE code = :code", code=code)
    assert desk.ask(apply(code, order)) == first == PromotionApplied(order_id=order, code=code)
    assert desk.ask(apply(offered(desk), order)).reason == "the order has another code"
    assert uses(desk, code) == (1, 1, 1)


def test_a_use_is_given_back_once_and_taken_by_someone_else(desk: Bench) -> None:
    """Withdrawn twice; the next order has it, the first one never again."""
    code, order = offered(desk, most_uses=1, most_uses_per_customer=1), new_order()
    desk.ask(apply(code, order))
    withdrawal = WithdrawPromotion(order_id=order)
    for _ in range(2):
        assert desk.ask(withdrawal) == PromotionWithdrawn(order_id=order)
    assert uses(desk, code) == (0, 0, 0)
    assert desk.ask(apply(code, order)).reason == "the code was withdrawn"
    assert applied([desk.ask(apply(code)), desk.ask(apply(code, customer=BOB))]) == 1
    assert desk.ask(withdrawal) == PromotionWithdrawn(order_id=order)
    assert uses(desk, code) == (1, 1, 1)


def test_a_withdrawal_that_comes_first_makes_the_late_command_do_nothing(desk: Bench) -> None:
    """The tombstone: no use is taken, and the answer says why."""
    code, order = offered(desk), new_order()
    assert desk.ask(WithdrawPromotion(order_id=order)) == PromotionWithdrawn(order_id=order)
    assert desk.ask(apply(code, order)).reason == "withdrawn before it was applied"
    assert uses(desk, code) == (0, 0, 0)


def test_what_comes_in_one_batch_happens_in_order(desk: Bench) -> None:
    """The last use goes to one, comes back, and goes to the next, within one transaction."""
    code, first = offered(desk, most_uses=1), new_order()
    asked: list[Message] = [apply(code, first), apply(code), WithdrawPromotion(order_id=first)]
    sent = desk.send_all([*asked, apply(code, customer=BOB), apply(code)])
    answers = [type(desk.answer(envelope)) for envelope in sent]
    taken, refused = PromotionApplied, PromotionRefused
    assert answers == [taken, refused, PromotionWithdrawn, taken, refused]
    assert uses(desk, code) == (1, 1, 1)


def test_the_last_use_is_taken_once_however_many_race_for_it(racers: list[Bench]) -> None:
    """A hundred orders of as many customers, on ten connections, twenty times over; the use that
    is given back while they come again is taken once more."""
    for _ in range(ROUNDS):
        code = offered(racers[0], most_uses=1)
        people = [CustomerId(f"customer-{number}") for number in range(RACERS * EACH)]
        wanted: list[Any] = [apply(code, customer=each) for each in people]
        answers = at_once(racers, wanted)
        assert applied(answers) == 1
        assert len(answers) == RACERS * EACH
        assert uses(racers[0], code) == (1, 1, 1)
        winner = next(each.order_id for each in answers if isinstance(each, PromotionApplied))
        others = [each for each in wanted if each.order_id != winner]
        again = at_once(racers, [WithdrawPromotion(order_id=winner), *others])
        assert applied(again) == 1
        assert uses(racers[0], code) == (1, 1, 1)


def test_a_customer_who_orders_everywhere_at_once_has_one_use(racers: list[Bench]) -> None:
    """Also the first time, when there is no count of this customer that could be locked."""
    for _ in range(5):
        code = offered(racers[0], most_uses_per_customer=1)
        assert applied(at_once(racers, [apply(code) for _ in range(RACERS * EACH)])) == 1
        assert uses(racers[0], code) == (1, 1, 1)


def test_an_undo_that_races_its_command_leaves_no_use(racers: list[Bench]) -> None:
    """Whoever comes first: nothing is counted in the end."""
    code, orders = offered(racers[0]), [new_order() for _ in range(RACERS * EACH // 2)]
    commands: list[Any] = [apply(code, order) for order in orders]
    undoes = [WithdrawPromotion(order_id=order) for order in reversed(orders)]
    at_once(racers, [*commands, *undoes])
    assert uses(racers[0], code) == (0, 0, 0)


def test_the_database_itself_refuses_one_use_too_many(desk: Bench) -> None:
    """The last defence, should the code forget to count; nor is there less than none."""
    code = offered(desk, most_uses=3, uses=3)
    for change in ("uses = 4", "most_uses = 2", "uses = -1"):
        with pytest.raises(IntegrityError, match="check constraint"):
            desk.rows(f"UPDATE promotions SET {change} WHERE code = :code", code=code)


def test_a_large_batch_takes_as_many_statements_as_a_small_one(desk: Bench) -> None:
    """However many orders and codes; what is withdrawn is found in one query a table."""

    def spent(orders: int) -> list[int]:
        taken = [apply(offered(desk)) for _ in range(orders)]
        undone = [WithdrawPromotion(order_id=each.order_id) for each in taken]
        return [desk.statements(step, "promotions", "uses") for step in (taken, undone)]

    assert spent(2) == spent(40) == [4, 4]
