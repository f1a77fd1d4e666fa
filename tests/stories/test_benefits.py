"""What happens to an order with a promotion code and points: each story is a golden file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stories.play import Play, order, same

STORIES = Path(__file__).parent / "benefits"


def _both(play: Play, reserved: str, promotion: str) -> None:
    """Inventory and promotions are asked at once; promotions answers first."""
    play.answers("OrderCreated", "FraudCheckPassed")
    inventory, promotions = play.sent[-2:]
    play.answer(promotion, to=promotions)
    play.answer(reserved, to=inventory)


def with_code_and_points(play: Play) -> None:
    _both(play, "InventoryReserved", "PromotionApplied")
    play.answers(
        "LoyaltyPointsApplied",
        "PaymentAuthorized",
        "InventoryCommitted",
        "OrderAccepted",
        "PaymentCaptured",
    )
    play.answer("ShippingRequested")


def code_used_up(play: Play) -> None:
    _both(play, "InventoryReserved", "PromotionRefused")
    play.answers("InventoryReleased", "OrderRejected")


def too_few_points(play: Play) -> None:
    _both(play, "InventoryReserved", "PromotionApplied")
    play.answer("LoyaltyPointsRefused", "12 points are there")
    undone = {send.command.to: send for send in play.sent[-2:]}
    play.answer("PromotionWithdrawn", to=undone["promotions"])
    play.answer("InventoryReleased", to=undone["inventory"])
    play.answer("OrderRejected")


def card_declined_after_all(play: Play) -> None:
    _both(play, "InventoryReserved", "PromotionApplied")
    play.answer("LoyaltyPointsApplied")
    play.answer("PaymentFailed", "card_declined")
    play.answer("LoyaltyPointsRestored")
    undone = {send.command.to: send for send in play.sent[-2:]}
    play.answer("InventoryReleased", to=undone["inventory"])
    play.answer("PromotionWithdrawn", to=undone["promotions"])
    play.answer("OrderRejected")


Script = Callable[[Play], None]
TOLD: tuple[Script, ...] = (
    with_code_and_points,
    code_used_up,
    too_few_points,
    card_declined_after_all,
)


@pytest.mark.parametrize("script", TOLD, ids=lambda script: script.__name__)
def test_the_story_is_the_golden_one(script: Script) -> None:
    play = order(points=500, code="SPRING")
    script(play)
    assert play.state.finished
    same(STORIES / f"{script.__name__}.txt", "\n".join(play.lines()) + "\n")
