"""What happens when a confirmed order is cancelled: each story is a golden file."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.draw import mermaid, table
from orchestrator.core.picture import svg
from orchestrator.core.sample import example_of
from orchestrator.sagas.cancel import CANCEL
from orchestrator.sagas.cancel_data import Cancel
from tests.stories.play import ORDER_ID, Play, same

STORIES = Path(__file__).parent / "cancel"


def cancel(given_back: bool = False) -> Play:
    """CANCEL on the stage, of an order with or without code and points."""
    some: Cancel = example_of(Cancel)
    ours = replace(some, order_id=ORDER_ID, asked_by="Ann")
    return Play(CANCEL, replace(ours, promotion=given_back, points=given_back))


def cancelled(play: Play) -> None:
    play.answers("OrderLocked", "ShippingStopped", "RefundApproved")
    play.answers("PaymentReturned", "InventoryReleased")
    play.answer("OrderCancelled")


def with_code_and_points(play: Play) -> None:
    play.answers("OrderLocked", "ShippingStopped", "RefundApproved")
    play.answers("PaymentReturned", "InventoryReleased")
    play.answers("PromotionWithdrawn", "LoyaltyPointsRestored", "OrderCancelled")


def sent_already(play: Play) -> None:
    play.answers("OrderLocked", "ShippingTooLate", "OrderUnlocked")


def not_confirmed(play: Play) -> None:
    play.answer("OrderNotLocked", "the order is rejected")


def refund_fails(play: Play) -> None:
    play.answers("OrderLocked", "ShippingStopped", "RefundApproved")
    while not play.state.review:
        play.answer("RefundFailed", "the card has expired")
        if not play.state.review:
            play.silence()
    play.chooses("continue", "Olga (operator)", "paid back by bank transfer")
    play.answers("InventoryReleased", "OrderCancelled")


def over_the_limit(play: Play) -> None:
    play.answers("OrderLocked", "ShippingStopped", "RefundNeedsApproval")
    play.chooses("continue", "Ann", "it is my money")
    play.silence()
    play.chooses("continue", "Olga (operator)", "nothing was sent")
    play.answers("PaymentReturned", "InventoryReleased", "OrderCancelled")


def refund_is_unknown_and_found(play: Play) -> None:
    play.answers("OrderLocked", "ShippingStopped", "RefundApproved")
    play.answers("PaymentStatusUnknown", "PaymentStatusUnknown")
    play.silence()
    play.answers("PaymentReturned", "InventoryReleased", "OrderCancelled")


Script = Callable[[Play], None]
TOLD: tuple[Script, ...] = (
    cancelled,
    sent_already,
    not_confirmed,
    refund_fails,
    over_the_limit,
    refund_is_unknown_and_found,
)


@pytest.mark.parametrize("script", TOLD, ids=lambda script: script.__name__)
def test_the_story_is_the_golden_one(script: Script) -> None:
    play = cancel()
    script(play)
    assert play.state.finished
    same(STORIES / f"{script.__name__}.txt", "\n".join(play.lines()) + "\n")


def test_the_story_with_code_and_points_is_the_golden_one() -> None:
    play = cancel(given_back=True)
    with_code_and_points(play)
    assert play.state.finished
    same(STORIES / "with_code_and_points.txt", "\n".join(play.lines()) + "\n")


def test_the_pictures_are_the_golden_ones() -> None:
    same(STORIES / "definition.txt", "\n".join(table(CANCEL)) + "\n")
    same(STORIES / "definition.mmd", mermaid(CANCEL))
    same(STORIES / "definition.svg", svg(CANCEL))
