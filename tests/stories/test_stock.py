"""What stock may do to an order: each story is a golden file."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.stories.play import Play, order, same

STORIES = Path(__file__).parent / "stock"


def out_of_stock(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed")
    play.answer("InventoryReservationFailed", "SKU-0001 is out of stock")
    play.answer("OrderRejected")


def partly_missing_and_the_rest_is_shipped(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed", "InventoryPartiallyReserved")
    play.chooses("continue", "Sam (support)", "the customer wants the rest")
    play.answers(
        "OrderAdjusted",
        "PaymentAuthorized",
        "InventoryCommitted",
        "OrderAccepted",
        "PaymentCaptured",
    )
    play.answer("ShippingRequested")


def partly_missing_and_not_wanted(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed", "InventoryPartiallyReserved")
    play.chooses("undo", "Sam (support)", "all or nothing")
    play.answers("InventoryReleased", "OrderRejected")


def partly_missing_as_the_customer_wished(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed", "InventoryReservedInPart")
    play.answers(
        "OrderAdjusted",
        "PaymentAuthorized",
        "InventoryCommitted",
        "OrderAccepted",
        "PaymentCaptured",
    )
    play.answer("ShippingRequested")


def hold_expired_before_the_commit(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed", "InventoryReserved", "PaymentAuthorized")
    play.answer("InventoryHoldExpired", "the hold has expired")
    play.answers("PaymentVoided", "InventoryReleased", "OrderRejected")


def backordered_and_all_comes_in(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed", "InventoryBackordered")
    asked = play.sent[-1]
    play.now += timedelta(days=3)
    play.answer("InventoryReserved", to=asked)
    play.answer("InventoryReserved", to=asked)
    play.answers("PaymentAuthorized", "InventoryCommitted", "OrderAccepted", "PaymentCaptured")
    play.answer("ShippingRequested")


def backordered_and_shipped_in_part(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed", "InventoryBackordered")
    play.chooses("continue", "Sam (support)", "the customer takes what is there")
    play.answers("OrderAdjusted", "PaymentAuthorized", "InventoryCommitted", "OrderAccepted")
    play.answers("PaymentCaptured", "ShippingRequested")


def backordered_for_too_long(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed", "InventoryBackordered")
    play.silence()
    play.answers("InventoryReleased", "OrderRejected")


def cancelled_on_backorder(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed", "InventoryBackordered")
    asked = play.sent[-1]
    play.cancels()
    play.answer("InventoryReserved", to=asked)
    play.answers("InventoryReleased", "OrderCancelled")


Script = Callable[[Play], None]
TOLD: tuple[Script, ...] = (
    out_of_stock,
    partly_missing_and_the_rest_is_shipped,
    partly_missing_and_not_wanted,
    partly_missing_as_the_customer_wished,
    hold_expired_before_the_commit,
    backordered_and_all_comes_in,
    backordered_and_shipped_in_part,
    backordered_for_too_long,
    cancelled_on_backorder,
)


@pytest.mark.parametrize("script", TOLD, ids=lambda script: script.__name__)
def test_the_story_is_the_golden_one(script: Script) -> None:
    play = order()
    script(play)
    assert play.state.finished
    same(STORIES / f"{script.__name__}.txt", "\n".join(play.lines()) + "\n")


def test_every_story_file_is_told_by_a_script() -> None:
    assert {path.stem for path in STORIES.glob("*.txt")} == {script.__name__ for script in TOLD}
