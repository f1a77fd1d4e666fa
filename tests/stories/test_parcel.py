"""What happens to one of several parcels of an order: each story is a golden file."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.draw import mermaid, table
from orchestrator.core.picture import svg
from orchestrator.core.sample import example_of
from orchestrator.sagas.parcel import PARCEL
from orchestrator.sagas.parcel_data import ParcelSent
from orchestrator.shell.family import Standing, told
from tests.stories.play import ORDER_ID, Play, same

STORIES = Path(__file__).parent / "parcel"


def parcel() -> Play:
    """PARCEL on the stage: the second of two."""
    some: ParcelSent = example_of(ParcelSent)
    return Play(PARCEL, replace(some, order_id=ORDER_ID, number=2, of=2))


def sent(play: Play) -> None:
    play.answers("ParcelOpened", "ParcelPicked", "PaymentCaptured", "ShippingRequested")


def refused_by_all_carriers_and_paid_back(play: Play) -> None:
    play.answers("ParcelOpened", "ParcelPicked", "PaymentCaptured")
    play.answer("ShippingRefused", "standard: no such postcode; royal: no such postcode")
    play.chooses("undo", "Susan (support)", "the customer does not want to wait")
    play.answers("PaymentReturned", "ParcelPutBack", "OrderRefunded")


def refused_and_tried_again(play: Play) -> None:
    play.answers("ParcelOpened", "ParcelPicked", "PaymentCaptured")
    play.answer("ShippingRefused", "standard: on strike")
    play.chooses("retry", "Susan (support)", "another carrier is enabled now")
    play.answer("ShippingRequested")


def refused_and_nobody_decides(play: Play) -> None:
    play.answers("ParcelOpened", "ParcelPicked", "PaymentCaptured")
    play.answer("ShippingRefused", "standard: no such postcode")
    play.silence()
    play.answers("PaymentReturned", "ParcelPutBack", "OrderRefunded")


def in_review(play: Play) -> None:
    play.answers("ParcelOpened", "ParcelPicked", "PaymentCaptured")
    play.answer("ShippingRefused", "standard: no such postcode")


def cannot_be_paid_and_is_given_up(play: Play) -> None:
    play.answers("ParcelOpened", "ParcelPicked")
    play.answer("PaymentFailed", "the hold has expired")
    play.chooses("undo", "Susan (support)", "the customer orders anew")
    play.answers("ParcelPutBack", "OrderRefunded")


def capture_is_unknown_and_found(play: Play) -> None:
    play.answers("ParcelOpened", "ParcelPicked")
    play.answers("PaymentStatusUnknown", "PaymentStatusUnknown")
    play.silence()
    play.answers("PaymentCaptured", "ShippingRequested")


Script = Callable[[Play], None]
TOLD: tuple[Script, ...] = (
    sent,
    refused_by_all_carriers_and_paid_back,
    refused_and_tried_again,
    refused_and_nobody_decides,
    in_review,
    cannot_be_paid_and_is_given_up,
    capture_is_unknown_and_found,
)


@pytest.mark.parametrize("script", TOLD, ids=lambda script: script.__name__)
def test_the_story_is_the_golden_one(script: Script) -> None:
    play = parcel()
    script(play)
    assert play.state.finished == (script is not in_review)
    same(STORIES / f"{script.__name__}.txt", "\n".join(play.lines()) + "\n")


def test_the_pictures_are_the_golden_ones() -> None:
    same(STORIES / "definition.txt", "\n".join(table(PARCEL)) + "\n")
    same(STORIES / "definition.mmd", mermaid(PARCEL))
    same(STORIES / "definition.svg", svg(PARCEL))


def test_the_order_is_told_which_parcels_it_waits_for_and_which_were_given_up() -> None:
    """In doubt while one is under way, certain once all have ended."""
    first, second = Standing(1, "completed", ""), Standing(2, "review", "start shipping")
    doubt = told(ORDER_ID, [first, second])
    assert getattr(doubt, "reason", "") == "waiting for parcel 2 (review at start shipping)"
    sure = told(ORDER_ID, [first, Standing(2, "undone", "")])
    assert getattr(sure, "given_up", None) == (2,)
