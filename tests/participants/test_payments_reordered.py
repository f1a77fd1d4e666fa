"""Answers and webhooks in any order, twice, early or late, lead to the same payment and books."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from contracts.delivery.service import Done, Refused, Unsure
from contracts.messages.payments import CapturePayment, VoidPayment
from contracts.messages.values import OrderId
from tests.participants.bench import Bench
from tests.participants.money import PRICE, authorize
from tests.participants.refunding import part
from tests.participants.reordering import ORDER, Run, Story, key, running
from tests.participants.reporting import charge, intent

DECLINED = Refused(reason="declined", code="card_declined")
CANCELED = Refused(reason="expired", code="canceled")
ERROR = {"code": "card_declined", "message": "declined"}
FAILED, CAPTURABLE = "payment_intent.payment_failed", "payment_intent.amount_capturable_updated"
SUCCEEDED, GONE = "payment_intent.succeeded", "payment_intent.canceled"
REFUNDED = "charge.refunded"


def gone_astray() -> Story:
    """One payment with everything: declined, held by another card, expired, held anew, taken,
    and a part refunded."""
    return Story(
        commands=(authorize(ORDER), authorize(ORDER), capture(ORDER), part(ORDER, "r1")),
        answers={
            f"Hold {key(1)}": DECLINED,
            f"Hold {key(2)}": held(2),
            "Take pi_2": CANCELED,
            f"Hold {renewed(3)}": held(3),
            "Take pi_3": taken(3),
            "GiveBack": Done(data={"reference": "re_1"}),
        },
        reports={
            FAILED: (f"Hold {key(1)}", declined(1)),
            CAPTURABLE: (f"Hold {key(2)}", intent(ORDER, key(2), 2, "requires_capture")),
            GONE: (f"Hold {key(2)}", intent(ORDER, key(2), 2, "canceled")),
            SUCCEEDED: ("Take pi_3", succeeded(renewed(3), 3)),
            REFUNDED: ("GiveBack", charge(ORDER, renewed(3), 3, 500)),
        },
        expiry=GONE,
    )


def plain() -> Story:
    """Held, taken, and a part refunded."""
    return Story(
        commands=(authorize(ORDER), capture(ORDER), part(ORDER, "r1")),
        answers={
            f"Hold {key(1)}": held(1),
            "Take pi_1": taken(1),
            "GiveBack": Done(data={"reference": "re_1"}),
        },
        reports={
            CAPTURABLE: (f"Hold {key(1)}", intent(ORDER, key(1), 1, "requires_capture")),
            SUCCEEDED: ("Take pi_1", succeeded(key(1), 1)),
            REFUNDED: ("GiveBack", charge(ORDER, key(1), 1, 500)),
            "refund.created": ("GiveBack", refund()),
        },
    )


def let_go() -> Story:
    """Held, and let go of."""
    return Story(
        commands=(authorize(ORDER), VoidPayment(order_id=ORDER)),
        answers={f"Hold {key(1)}": held(1), "LetGo": Done(data={"reference": "pi_1"})},
        reports={
            CAPTURABLE: (f"Hold {key(1)}", intent(ORDER, key(1), 1, "requires_capture")),
            GONE: ("LetGo", intent(ORDER, key(1), 1, "canceled")),
        },
    )


def expired() -> Story:
    """Held, expired, held anew when it is to be taken, and taken."""
    return Story(
        commands=(authorize(ORDER), capture(ORDER)),
        answers={
            f"Hold {key(1)}": held(1),
            "Take pi_1": CANCELED,
            f"Hold {renewed(2)}": held(2),
            "Take pi_2": taken(2),
        },
        reports={
            CAPTURABLE: (f"Hold {key(1)}", intent(ORDER, key(1), 1, "requires_capture")),
            GONE: (f"Hold {key(1)}", intent(ORDER, key(1), 1, "canceled")),
            f"{CAPTURABLE} anew": (
                f"Hold {renewed(2)}",
                intent(ORDER, renewed(2), 2, "requires_capture"),
            ),
            SUCCEEDED: ("Take pi_2", succeeded(renewed(2), 2)),
        },
        expiry=GONE,
    )


def let_go_unseen() -> Story:
    """Held without an answer, and let go of."""
    lost = Unsure(reason="no answer")
    return replace(let_go(), answers={**let_go().answers, f"Hold {key(1)}": lost})


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("when", ["early", "between", "late"])
def test_every_order_of_the_reports_leads_to_the_same(desk: Bench, when: str, times: int) -> None:
    """All permutations of the five reports of one payment: each as soon as it can be, after the
    next answer, or when all is over; once or twice."""
    story = gone_astray()
    wanted = without_reports(desk, story)
    assert wanted[3] == ["PaymentFailed", "PaymentAuthorized", "PaymentCaptured", "PaymentRefunded"]
    for order in permutations(story.reports):
        with running(desk, story) as run:
            play(run, order, when, times)
            assert run.outcome() == wanted, order


@pytest.mark.parametrize("told", [plain, let_go, expired])
def test_reports_at_every_moment_lead_to_the_same(desk: Bench, told: Callable[[], Story]) -> None:
    """Every interleaving of commands, answers and reports, each of which may never come."""
    story = told()
    wanted = without_reports(desk, story)
    moments = list(interleavings(desk, story))
    assert len(moments) > 10
    for moves in moments:
        with running(desk, story) as run:
            follow(run, moves)
            assert run.outcome() == wanted, moves


def test_a_hold_that_is_told_of_when_it_is_gone_is_in_the_books(desk: Bench) -> None:
    """Whenever its report comes, even last: posted and released; without it, nothing is."""
    story = let_go_unseen()
    for moves in interleavings(desk, story):
        with running(desk, story) as run:
            follow(run, moves)
            ((state, *_),), _, entries, _ = run.outcome()
            posted = [(operation, amount) for operation, _, amount in entries]
            assert state == "gone"
            assert posted == ([("hold", 1999), ("release", 1999)] if CAPTURABLE in moves else [])


def play(run: Run, order: Sequence[str], when: str, times: int) -> None:
    """Let the reports come in this order."""
    left = list(order)
    while left or not run.over():
        can = bool(left) and (run.can(left[0]) if when != "late" else run.over())
        if can and (when != "between" or run.waiting is None):
            run.report(left.pop(0), times)
        else:
            run.step()


def interleavings(desk: Bench, story: Story) -> Iterator[tuple[str, ...]]:
    """Every sequence of steps (empty) and reports that there can be."""
    possible = possible_in(desk, story)

    def further(moves: tuple[str, ...], steps: int) -> Iterator[tuple[str, ...]]:
        if steps + 1 < len(possible):
            yield from further((*moves, ""), steps + 1)
        else:
            yield moves
        for kind in sorted(possible[steps] - set(moves)):
            yield from further((*moves, kind), steps)

    yield from further((), 0)


def possible_in(desk: Bench, story: Story) -> list[set[str]]:
    """Which reports there can be after each step of a run without them."""
    with running(desk, story) as run:
        possible: list[set[str]] = [set()]
        while not run.over():
            run.step()
            possible.append({kind for kind in story.reports if run.can(kind)})
        return possible


def follow(run: Run, moves: Sequence[str]) -> None:
    """Make these moves; a report may spare a step."""
    for move in moves:
        if move:
            run.report(move)
        elif not run.over():
            run.step()


def without_reports(desk: Bench, story: Story) -> Any:
    """What comes of the answers alone."""
    with running(desk, story) as run:
        play(run, (), "late", 1)
        return run.outcome()


def capture(order: OrderId) -> CapturePayment:
    """Take it all."""
    return CapturePayment(order_id=order, amount=PRICE)


def held(number: int) -> Done:
    """The provider holds this payment intent."""
    return Done(data={"reference": f"pi_{number}"})


def taken(number: int) -> Done:
    """The provider has taken this payment intent."""
    return Done(data={"reference": f"pi_{number}", "amount": 1999})


def renewed(number: int) -> str:
    """The key of the hold that the nth command made anew."""
    return f"{key(number)}-renewed"


def declined(number: int) -> dict[str, Any]:
    """The payment intent of the nth command, declined."""
    more = {"last_payment_error": ERROR}
    return intent(ORDER, key(number), number, "requires_payment_method", **more)


def succeeded(hold: str, number: int) -> dict[str, Any]:
    """This payment intent, taken."""
    return intent(ORDER, hold, number, "succeeded", amount_received=1999)


def refund() -> dict[str, Any]:
    """The refund that the third command asked for."""
    metadata = {"order_id": ORDER, "refund_id": "r1", "key": key(3)}
    return {"id": "re_1", "object": "refund", "status": "succeeded", "metadata": metadata}
