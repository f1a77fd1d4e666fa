"""What happens to one order, as lines a person reads: each story is a golden file beside this one.

`CONCERTO_WRITE_STORIES=1` writes them anew; the diff then shows what a change does to orders.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.messages.base import Result
from contracts.messages.values import OrderId, SagaId, stamped
from orchestrator.core.advance import advance
from orchestrator.core.decision import Decision, Send
from orchestrator.core.draw import mermaid, svg, table
from orchestrator.core.sample import example_of, sample
from orchestrator.core.state import Answer, Chosen, Input, Start, Wake, begin
from orchestrator.core.tell import told, why
from orchestrator.sagas import SAGAS
from orchestrator.sagas.order_data import Order

STORIES = Path(__file__).parent / "order"
ORDER = SAGAS["order", 1]
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


class Play:
    """One order on a stage without services: the test speaks for them, and for time."""

    def __init__(self, payable: int = 1999) -> None:
        data: Order = example_of(Order)
        data = replace(data, total=replace(data.total, amount=payable, currency="GBP"))
        data = replace(data, order_id=OrderId(stamped(NOON, "order")))
        self.now = NOON
        self.state = begin(ORDER, SagaId(stamped(NOON, "saga")), data, NOON)
        self.journal: list[tuple[datetime, tuple[str, ...]]] = []
        self.sent: list[Send] = []
        self.published: list[str] = []
        self.happens(Start(at=NOON))

    def happens(self, happened: Input) -> Decision:
        decision = advance(ORDER, self.state, happened)
        ignored = (f"ignored: {decision.ignored}",) if decision.ignored else ()
        self.journal.append((happened.at, (*ignored, *decision.notes)))
        self.state = decision.state
        self.sent.extend(decision.commands)
        self.published.extend(event.wire_name() for event in decision.events)
        return decision

    def answer(self, name: str, reason: str = "", to: Send | None = None) -> None:
        """A service answers, the latest command unless told otherwise, 0.1 s later."""
        sent = to or self.sent[-1]
        result: Result = sample(name, ORDER.flat[ORDER.place[sent.step]])
        if reason:
            result = replace(result, reason=reason)  # type: ignore[call-arg]
        self.now += timedelta(seconds=0.1)
        self.happens(Answer(at=self.now, command_id=sent.id, result=result))

    def answers(self, *names: str) -> None:
        for name in names:
            self.answer(name)

    def silence(self, times: int = 1) -> None:
        """Nothing comes until something is due, that many times."""
        for _ in range(times):
            assert self.state.wake_at
            self.now = self.state.wake_at
            self.happens(Wake(at=self.now))

    def chooses(self, choice: str, by: str, reason: str) -> None:
        assert self.state.review
        self.now += timedelta(minutes=5)
        review_id = self.state.review.id
        self.happens(Chosen(at=self.now, review_id=review_id, choice=choice, by=by, reason=reason))

    def until_review(self) -> None:
        while not self.state.review:
            self.silence()

    def lines(self) -> list[str]:
        return [*told(NOON, self.journal), "", *why(ORDER, self.state, self.now)]


def confirmed(play: Play) -> None:
    play.answers("OrderCreated", "InventoryReserved", "PaymentAuthorized")
    play.answers("OrderAccepted", "PaymentCaptured", "ShippingRequested")


def nothing_to_pay(play: Play) -> None:
    play.answers("OrderCreated", "InventoryReserved", "OrderAccepted", "ShippingRequested")


def out_of_stock(play: Play) -> None:
    play.answer("OrderCreated")
    play.answer("InventoryReservationFailed", "SKU-0001 is out of stock")
    play.answer("OrderCancelled")


def card_declined(play: Play) -> None:
    play.answers("OrderCreated", "InventoryReserved")
    play.answer("PaymentFailed", "card_declined")
    play.answers("InventoryReleased", "OrderCancelled")


def provider_timed_out_and_found_later(play: Play) -> None:
    play.answers("OrderCreated", "InventoryReserved")
    play.answer("PaymentStatusUnknown", "no answer in 10 s")
    play.answer("PaymentStatusUnknown", "no answer in 10 s")
    play.silence()
    play.answers("PaymentAuthorized", "OrderAccepted", "PaymentCaptured", "ShippingRequested")


def an_earlier_question_is_answered_late(play: Play) -> None:
    play.answers("OrderCreated", "InventoryReserved")
    play.answer("PaymentStatusUnknown", "no answer in 10 s")
    first = play.sent[-1]
    play.silence(2)
    play.answer("PaymentAuthorized", to=first)
    play.answers("OrderAccepted", "PaymentCaptured", "ShippingRequested")


def provider_unknown_for_long(play: Play) -> None:
    play.answers("OrderCreated", "InventoryReserved")
    play.answer("PaymentStatusUnknown", "no answer in 10 s")
    play.until_review()


def provider_unknown_and_undone_by_a_person(play: Play) -> None:
    provider_unknown_for_long(play)
    play.chooses("undo", "Olga (operator)", "the provider is down for the day")
    play.answers("PaymentVoided", "InventoryReleased", "OrderCancelled")


def shipping_refused_for_good(play: Play) -> None:
    play.answers("OrderCreated", "InventoryReserved", "PaymentAuthorized")
    play.answers("OrderAccepted", "PaymentCaptured")
    while not play.state.review:
        play.answer("ShippingRefused", "no such postcode")
        if not play.state.review:
            play.silence()


def shipping_refused_and_tried_again(play: Play) -> None:
    shipping_refused_for_good(play)
    play.chooses("retry", "Olga (operator)", "the postcode is corrected")
    play.answer("ShippingRequested")


def silence_then_sent_again(play: Play) -> None:
    play.answer("OrderCreated")
    play.silence(2)
    play.answer("InventoryReserved")
    play.answer("InventoryReserved", to=play.sent[-2])
    play.answers("PaymentAuthorized", "OrderAccepted", "PaymentCaptured", "ShippingRequested")


def late_success_after_undo(play: Play) -> None:
    play.answers("OrderCreated", "InventoryReserved")
    silent = play.sent[-1]
    play.until_review()
    play.silence()
    play.answers("PaymentVoided", "InventoryReleased")
    play.answer("PaymentAuthorized", to=silent)
    play.answer("OrderCancelled")
    play.answer("PaymentAuthorized", to=silent)


def late_answer_closes_the_review(play: Play) -> None:
    play.answers("OrderCreated", "InventoryReserved", "PaymentAuthorized")
    play.until_review()
    play.answers("OrderAccepted", "PaymentCaptured", "ShippingRequested")


def nobody_decides_after_the_pivot(play: Play) -> None:
    play.answers("OrderCreated", "InventoryReserved", "PaymentAuthorized", "OrderAccepted")
    play.until_review()
    play.silence(3)
    play.chooses("continue", "Ada (admin)", "captured by hand at the provider")
    play.answer("ShippingRequested")


def deadline_passes(play: Play) -> None:
    play.answer("OrderCreated")
    play.until_review()
    play.chooses("retry", "Olga (operator)", "inventory is back")
    play.now += timedelta(hours=1)
    play.answer("InventoryReserved")
    play.answers("InventoryReleased", "OrderCancelled")


Script = Callable[[Play], None]
TOLD: tuple[Script, ...] = (
    confirmed,
    out_of_stock,
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
)


def same(path: Path, text: str) -> None:
    """The text is the golden one (or becomes it)."""
    if os.environ.get("CONCERTO_WRITE_STORIES"):
        path.write_text(text)
    assert text == path.read_text(), f"{path.name} tells it otherwise"


@pytest.mark.parametrize("script", TOLD, ids=lambda script: script.__name__)
def test_the_story_is_the_golden_one(script: Script) -> None:
    play = Play()
    script(play)
    same(STORIES / f"{script.__name__}.txt", "\n".join(play.lines()) + "\n")


def test_an_order_with_nothing_to_pay_meets_no_payment_step() -> None:
    play = Play(payable=0)
    nothing_to_pay(play)
    same(STORIES / "nothing_to_pay.txt", "\n".join(play.lines()) + "\n")


@pytest.mark.parametrize("script", TOLD, ids=lambda script: script.__name__)
def test_order_confirmed_is_published_once_if_the_pivot_succeeded(script: Script) -> None:
    play = Play()
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
