"""What happens to one order, as lines a person reads: each story is a golden file beside this one.

`CONCERTO_WRITE_STORIES=1` writes them anew; the diff then shows what a change does to orders.
"""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.core.draw import mermaid, table
from orchestrator.core.picture import svg
from tests.stories.play import ORDER, Play, order, same

STORIES = Path(__file__).parent / "order"


def confirmed(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed", "InventoryReserved", "PaymentAuthorized")
    play.answers("InventoryCommitted", "OrderAccepted", "PaymentCaptured", "ShippingRequested")


def nothing_to_pay(play: Play) -> None:
    play.answers(
        "OrderCreated",
        "FraudCheckPassed",
        "InventoryReserved",
        "InventoryCommitted",
        "OrderAccepted",
        "ShippingRequested",
    )


def card_declined(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed", "InventoryReserved")
    play.answer("PaymentFailed", "card_declined")
    play.answers("InventoryReleased", "OrderRejected")


def provider_timed_out_and_found_later(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed", "InventoryReserved")
    play.answer("PaymentStatusUnknown", "no answer in 10 s")
    play.answer("PaymentStatusUnknown", "no answer in 10 s")
    play.silence()
    play.answers(
        "PaymentAuthorized",
        "InventoryCommitted",
        "OrderAccepted",
        "PaymentCaptured",
        "ShippingRequested",
    )


def an_earlier_question_is_answered_late(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed", "InventoryReserved")
    play.answer("PaymentStatusUnknown", "no answer in 10 s")
    first = play.sent[-1]
    play.silence(2)
    play.answer("PaymentAuthorized", to=first)
    play.answers("InventoryCommitted", "OrderAccepted", "PaymentCaptured", "ShippingRequested")


def provider_unknown_for_long(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed", "InventoryReserved")
    play.answer("PaymentStatusUnknown", "no answer in 10 s")
    play.until_review()


def provider_unknown_and_undone_by_a_person(play: Play) -> None:
    provider_unknown_for_long(play)
    play.chooses("undo", "Olga (operator)", "the provider is down for the day")
    play.answers("PaymentVoided", "InventoryReleased", "OrderRejected")


def shipping_refused_for_good(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed", "InventoryReserved", "PaymentAuthorized")
    play.answers("InventoryCommitted", "OrderAccepted", "PaymentCaptured")
    while not play.state.review:
        play.answer("ShippingRefused", "no such postcode")
        if not play.state.review:
            play.silence()


def shipping_refused_and_tried_again(play: Play) -> None:
    shipping_refused_for_good(play)
    play.chooses("retry", "Olga (operator)", "the postcode is corrected")
    play.answer("ShippingRequested")


def silence_then_sent_again(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed")
    play.silence(2)
    play.answer("InventoryReserved")
    play.answer("InventoryReserved", to=play.sent[-2])
    play.answers(
        "PaymentAuthorized",
        "InventoryCommitted",
        "OrderAccepted",
        "PaymentCaptured",
        "ShippingRequested",
    )


def late_success_after_undo(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed", "InventoryReserved")
    silent = play.sent[-1]
    play.until_review()
    play.silence()
    play.answers("PaymentVoided", "InventoryReleased")
    play.answer("PaymentAuthorized", to=silent)
    play.answer("OrderRejected")
    play.answer("PaymentAuthorized", to=silent)


def late_answer_closes_the_review(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed", "InventoryReserved", "PaymentAuthorized")
    play.answer("InventoryCommitted")
    play.until_review()
    play.answers("OrderAccepted", "PaymentCaptured", "ShippingRequested")


def nobody_decides_after_the_pivot(play: Play) -> None:
    play.answers(
        "OrderCreated",
        "FraudCheckPassed",
        "InventoryReserved",
        "PaymentAuthorized",
        "InventoryCommitted",
        "OrderAccepted",
    )
    play.until_review()
    play.silence(3)
    play.chooses("continue", "Ada (admin)", "captured by hand at the provider")
    play.answer("ShippingRequested")


def deadline_passes(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed")
    play.until_review()
    play.chooses("retry", "Olga (operator)", "inventory is back")
    play.now += timedelta(hours=1)
    play.answer("InventoryReserved")
    play.answers("InventoryReleased", "OrderRejected")


def suspected_and_accepted(play: Play) -> None:
    play.answer("OrderCreated")
    play.answer("FraudSuspected", "more than 10000.00 GBP")
    play.chooses("continue", "Rita (risk)", "a known customer")
    play.answers(
        "InventoryReserved",
        "PaymentAuthorized",
        "InventoryCommitted",
        "OrderAccepted",
        "PaymentCaptured",
    )
    play.answer("ShippingRequested")


def suspected_and_nobody_decides(play: Play) -> None:
    play.answer("OrderCreated")
    play.answer("FraudSuspected", "the card is from another country")
    play.silence()
    play.answer("OrderRejected")


def fraud_found(play: Play) -> None:
    play.answer("OrderCreated")
    play.answer("FraudCheckFailed", "the card is blocked")
    play.answer("OrderRejected")


def fraud_is_dead(play: Play) -> None:
    play.answer("OrderCreated")
    play.until_review()


def cancelled_in_review(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed", "InventoryPartiallyReserved")
    play.cancels()
    play.answers("InventoryReleased", "OrderCancelled")


def cancelled_while_paying(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed", "InventoryReserved")
    play.cancels()
    play.answers("PaymentAuthorized", "PaymentVoided", "InventoryReleased", "OrderCancelled")


def cancelled_too_late(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed", "InventoryReserved", "PaymentAuthorized")
    play.answer("InventoryCommitted")
    play.cancels()
    play.answers("OrderAccepted", "PaymentNotTaken", "ShippingStopped")


def customer_authenticates(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed", "InventoryReserved")
    play.answers("PaymentActionRequired", "PaymentActionRequired")
    play.silence()
    play.answers(
        "PaymentAuthorized",
        "InventoryCommitted",
        "OrderAccepted",
        "PaymentCaptured",
        "ShippingRequested",
    )


def customer_authenticates_and_the_bank_reports_it(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed", "InventoryReserved")
    hold = play.sent[-1]
    play.answers("PaymentActionRequired", "PaymentActionRequired")
    play.answer("PaymentAuthorized", to=hold)
    play.answers("InventoryCommitted", "OrderAccepted", "PaymentCaptured", "ShippingRequested")


def two_parcels_sent(play: Play) -> None:
    """One of them is in review for a while."""
    play.answers("OrderCreated", "FraudCheckPassed", "InventoryReserved", "PaymentAuthorized")
    play.answers("InventoryCommittedInParcels", "OrderAccepted")
    ship = play.sent[-1]
    play.answer("ParcelsUnderWay", "2 parcels have begun")
    waiting = "waiting for parcel 2 (review at start shipping)"
    play.answer("ParcelsUnderWay", waiting)
    play.silence()
    play.answer("ParcelsUnderWay", waiting)
    play.answer("ParcelsClosed", to=ship)
    play.answer("PaymentClosed")


def waiting_for_a_parcel(play: Play) -> None:
    play.answers("OrderCreated", "FraudCheckPassed", "InventoryReserved", "PaymentAuthorized")
    play.answers("InventoryCommittedInParcels", "OrderAccepted")
    play.answer("ParcelsUnderWay", "2 parcels have begun")
    play.answer("ParcelsUnderWay", "waiting for parcel 2 (review at start shipping)")


Script = Callable[[Play], None]
TOLD: tuple[Script, ...] = (
    confirmed,
    card_declined,
    provider_timed_out_and_found_later,
    an_earlier_question_is_answered_late,
    provider_unknown_for_long,
    provider_unknown_and_undone_by_a_person,
    shipping_refused_for_good,
    shipping_refused_and_tried_again,
    silence_then_sent_again,
    late_success_after_undo,
    late_answer_closes_the_review,
    nobody_decides_after_the_pivot,
    deadline_passes,
    suspected_and_accepted,
    suspected_and_nobody_decides,
    fraud_found,
    fraud_is_dead,
    cancelled_in_review,
    cancelled_while_paying,
    cancelled_too_late,
    customer_authenticates,
    customer_authenticates_and_the_bank_reports_it,
    two_parcels_sent,
    waiting_for_a_parcel,
)


@pytest.mark.parametrize("script", TOLD, ids=lambda script: script.__name__)
def test_the_story_is_the_golden_one(script: Script) -> None:
    play = order()
    script(play)
    same(STORIES / f"{script.__name__}.txt", "\n".join(play.lines()) + "\n")


def test_an_order_with_nothing_to_pay_meets_no_payment_step() -> None:
    play = order(payable=0)
    nothing_to_pay(play)
    same(STORIES / "nothing_to_pay.txt", "\n".join(play.lines()) + "\n")


@pytest.mark.parametrize("script", TOLD, ids=lambda script: script.__name__)
def test_order_confirmed_is_published_once_if_the_pivot_succeeded(script: Script) -> None:
    play = order()
    script(play)
    pivot = play.state.steps[ORDER.pivot_place]
    assert play.published.count("OrderConfirmed") == (pivot.status == "done")


def test_every_story_file_is_told_by_a_script() -> None:
    scripts = {script.__name__ for script in (*TOLD, nothing_to_pay)}
    assert {path.stem for path in STORIES.glob("*.txt")} == scripts | {"definition"}


def test_the_pictures_of_order_are_the_golden_ones() -> None:
    same(STORIES / "definition.txt", "\n".join(table(ORDER)) + "\n")
    same(STORIES / "definition.mmd", mermaid(ORDER))
    same(STORIES / "definition.svg", svg(ORDER))
