"""What operators do about an order at night, as lines a person reads.

`CONCERTO_WRITE_STORIES=1` writes them anew.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stories.play import Play, order, same

STORIES = Path(__file__).parent / "acting"
Script = Callable[[Play], None]


def paid(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed", "InventoryReserved", "PaymentAuthorized")
    play.answers("InventoryCommitted", "OrderAccepted")


def paused_and_resumed(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed")
    play.paused("the stock is being counted")
    play.answer("InventoryReserved")
    play.resumed("it is counted")
    play.answers("PaymentAuthorized", "InventoryCommitted", "OrderAccepted", "PaymentCaptured")
    play.answer("ShippingRequested")


def paused_and_forgotten(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed", "InventoryReserved")
    play.paused("the provider is down")
    play.answer("PaymentStatusUnknown", "no answer in 10 s")
    play.silence(2)


def still_paused(play: Play) -> None:
    play.answers("OrderCreated")
    play.paused("something is amiss")
    play.answer("FraudSuspected", "odd address")


def cancelled_while_paused(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed")
    play.paused("the stock is being counted")
    play.answer("InventoryReserved")
    play.cancels()
    play.resumed("it is counted")
    play.answers("InventoryReleased", "OrderCancelled")


def shipping_refused_and_tried_now(play: Play) -> None:
    paid(play)
    play.answer("PaymentCaptured")
    play.answer("ShippingRefused", "no carrier today")
    play.hurried("start shipping", "the carrier is back")
    play.answer("ShippingRequested")


def asked_about_now(play: Play) -> None:
    paid(play)
    play.answer("PaymentStatusUnknown", "no answer in 10 s")
    play.answer("PaymentStatusUnknown", "no answer in 10 s")
    play.hurried("capture payment", "the provider is back")
    play.hurried("start shipping", "the carrier is back")
    play.answers("PaymentCaptured", "ShippingRequested")


TOLD: tuple[Script, ...] = (
    paused_and_resumed,
    paused_and_forgotten,
    still_paused,
    cancelled_while_paused,
    shipping_refused_and_tried_now,
    asked_about_now,
)


@pytest.mark.parametrize("script", TOLD, ids=lambda script: script.__name__)
def test_the_story_is_the_golden_one(script: Script) -> None:
    play = order()
    script(play)
    same(STORIES / f"{script.__name__}.txt", "\n".join(play.lines()) + "\n")


def test_every_story_file_is_told_by_a_script() -> None:
    told = {script.__name__ for script in TOLD}
    assert {path.stem for path in STORIES.glob("*.txt")} == told
