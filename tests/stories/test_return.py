"""What happens when goods come back: each story is a golden file."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.draw import mermaid, table
from orchestrator.core.picture import svg
from orchestrator.core.sample import example_of
from orchestrator.sagas.returning import RETURN
from orchestrator.sagas.returning_data import Return
from tests.stories.play import ORDER_ID, Play, same

STORIES = Path(__file__).parent / "return"


def returning() -> Play:
    """RETURN on the stage."""
    some: Return = example_of(Return)
    return Play(RETURN, replace(some, order_id=ORDER_ID, asked_by="Ann", amount=None, goods=None))


def back_already(play: Play) -> None:
    play.answers("ReturnAccepted", "RefundApproved")
    play.answers("ReturnReceived", "PaymentRefunded", "OrderRefunded")


def missing_before_it_is_paid(play: Play) -> None:
    play.answer("ReturnRefused", "it is not paid yet")


def arrives_later(play: Play) -> None:
    play.answer("ReturnExpected")
    play.chooses("continue", "Sam (support)", "complete and unused")
    play.answers("RefundApproved", "ReturnReceived", "PaymentRefunded", "OrderRefunded")


def never_arrives(play: Play) -> None:
    play.answer("ReturnExpected")
    play.silence()
    play.answer("ReturnWithdrawn")


def more_than_was_sent(play: Play) -> None:
    play.answer("ReturnRefused", "more than was sent: TEA")


def refund_fails(play: Play) -> None:
    play.answers("ReturnAccepted", "RefundApproved", "ReturnReceived")
    while not play.state.review:
        play.answer("RefundFailed", "the card has expired")
        if not play.state.review:
            play.silence()
    play.chooses("retry", "Olga (operator)", "the customer has a new card")
    play.answers("PaymentRefunded", "OrderRefunded")


def _over_the_limit(play: Play) -> None:
    """The goods are here, and cost more than one person may pay back."""
    play.answer("ReturnExpected")
    play.chooses("continue", "Sam (support)", "complete and unused")
    play.answer("RefundNeedsApproval")


def approved_by_a_second_person(play: Play) -> None:
    _over_the_limit(play)
    play.chooses("continue", "Olga (operator)", "seen the goods and the bill")
    play.answers("ReturnReceived", "PaymentRefunded", "OrderRefunded")


def refused_by_a_second_person(play: Play) -> None:
    _over_the_limit(play)
    play.chooses("undo", "Olga (operator)", "these are not our goods")
    play.answer("ReturnWithdrawn")


def same_person_refused(play: Play) -> None:
    _over_the_limit(play)
    play.chooses("continue", "Sam (support)", "I have seen it")
    play.chooses("continue", "Ann", "I want it")
    play.chooses("continue", "Olga (operator)", "seen the goods and the bill")
    play.answers("ReturnReceived", "PaymentRefunded", "OrderRefunded")


def nobody_approves(play: Play) -> None:
    _over_the_limit(play)
    play.silence()
    play.answer("ReturnWithdrawn")


def approval_is_not_got_around_by_silence(play: Play) -> None:
    play.answer("ReturnExpected")
    play.chooses("continue", "Sam (support)", "complete and unused")
    play.until_review()
    play.chooses("continue", "Sam (support)", "they would have said yes")
    play.chooses("retry", "Olga (operator)", "payments is back")
    play.answers("RefundApproved", "ReturnReceived", "PaymentRefunded", "OrderRefunded")


def given_to_risk(play: Play) -> None:
    _over_the_limit(play)
    play.reassigned("risk", "Olga (operator)", "the third this week")
    play.chooses("undo", "Rita (risk)", "a known trick")
    play.answer("ReturnWithdrawn")


Script = Callable[[Play], None]
TOLD: tuple[Script, ...] = (
    back_already,
    missing_before_it_is_paid,
    arrives_later,
    never_arrives,
    more_than_was_sent,
    refund_fails,
    approved_by_a_second_person,
    refused_by_a_second_person,
    same_person_refused,
    nobody_approves,
    approval_is_not_got_around_by_silence,
    given_to_risk,
)


@pytest.mark.parametrize("script", TOLD, ids=lambda script: script.__name__)
def test_the_story_is_the_golden_one(script: Script) -> None:
    play = returning()
    script(play)
    assert play.state.finished
    same(STORIES / f"{script.__name__}.txt", "\n".join(play.lines()) + "\n")


def test_the_pictures_are_the_golden_ones() -> None:
    same(STORIES / "definition.txt", "\n".join(table(RETURN)) + "\n")
    same(STORIES / "definition.mmd", mermaid(RETURN))
    same(STORIES / "definition.svg", svg(RETURN))
