"""A saga with everything ORDER does not use yet: parallel steps, questions, a refusable undo."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from contracts.messages.base import Result
from contracts.messages.values import OrderId, SagaId, stamped
from orchestrator.core.advance import advance
from orchestrator.core.check import check
from orchestrator.core.decision import Decision
from orchestrator.core.definition import (
    Saga,
    hours,
    parallel,
)
from orchestrator.core.explore import explore
from orchestrator.core.state import Answer, Chosen, Start, State, Wake, begin
from tests.core.toy import (
    SHOP,
    Basket,
    Decided,
    Granted,
    GrantUnknown,
    Held,
    LetGo,
    NotHeld,
    NotLetGo,
    PartlyHeld,
    Passed,
    SendUnknown,
    Suspected,
)

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def started() -> Decision:
    data = Basket(order_id=OrderId(stamped(NOON, "order")))
    state = begin(SHOP, SagaId(stamped(NOON, "saga")), data, NOON)
    return advance(SHOP, state, Start(at=NOON))


def answered(state: State, step_name: str, result: Result, after: float = 0) -> Decision:
    at = NOON + timedelta(seconds=after)
    sent = state.steps[SHOP.place[step_name]].command_id
    assert sent
    return advance(SHOP, state, Answer(at=at, command_id=sent, result=result))


def chosen(state: State, choice: str, after: float = 60) -> Decision:
    assert state.review
    at = NOON + timedelta(seconds=after)
    review_id = state.review.id
    return advance(
        SHOP, state, Chosen(at=at, review_id=review_id, choice=choice, by="Pat", reason="fine")
    )


def both_sent() -> Decision:
    return answered(started().state, "check", Passed())


def sent(decision: Decision) -> list[str]:
    return [type(send.command).__name__ for send in decision.commands]


def test_the_definition_is_good() -> None:
    assert check(SHOP) == ()


def test_the_walk_of_its_questions_has_no_breach() -> None:
    alone = replace(SHOP, steps=(SHOP.steps[0], *SHOP.steps[2:]))
    assert breaches(alone) == []


def test_the_walk_of_its_parallel_steps_has_no_breach() -> None:
    # the whole of SHOP is walked in tests/faults, for it takes longer
    hold, grant = SHOP.flat[1:3]
    hold = replace(hold, on={}, undo=Basket.revoke)
    assert breaches(replace(SHOP, steps=(parallel(hold, grant),))) == []


def breaches(saga: Saga) -> list[tuple[str, ...]]:
    walk = explore(saga)
    assert walk.complete
    return [(breach.rule, *breach.story) for breach in walk.breaches]


def test_parallel_steps_are_sent_together() -> None:
    assert sent(both_sent()) == ["Hold", "Grant"]


def test_a_failure_waits_until_its_sibling_is_certain_and_then_undoes_it() -> None:
    failed = answered(both_sent().state, "hold", NotHeld())
    assert failed.state.status == "undoing"
    assert sent(failed) == []
    assert sent(answered(failed.state, "grant", Granted())) == ["Revoke"]


def test_nothing_follows_before_both_siblings_are_through() -> None:
    held = answered(both_sent().state, "hold", Held())
    assert sent(held) == []
    assert sent(answered(held.state, "grant", Granted())) == ["Decide"]


def test_a_question_about_a_success_lets_a_person_go_on_or_undo_but_not_repeat() -> None:
    asked = answered(both_sent().state, "hold", PartlyHeld())
    assert asked.state.review
    assert asked.state.review.choices == ("continue", "undo")
    assert asked.state.review.owner == "support"
    granted = answered(asked.state, "grant", Granted())
    assert sent(chosen(granted.state, "continue")) == ["Decide"]
    assert sent(chosen(granted.state, "undo")) == ["LetItGo", "Revoke"]


def test_a_question_is_moot_when_the_sibling_fails() -> None:
    asked = answered(started().state, "check", Suspected())
    going = chosen(asked.state, "continue")
    assert sent(going) == ["Hold", "Grant"]
    partly = answered(going.state, "hold", PartlyHeld())
    unknown = answered(partly.state, "grant", GrantUnknown())
    assert sent(answered(unknown.state, "grant", LetGo())) == ["LetItGo"]


def test_an_undo_that_was_refused_is_tried_again_and_then_put_before_a_person() -> None:
    asked = answered(both_sent().state, "hold", PartlyHeld())
    granted = answered(asked.state, "grant", Granted())
    state = answered(chosen(granted.state, "undo").state, "grant", LetGo()).state
    state = answered(state, "hold", NotLetGo()).state
    assert state.wake_at
    again = advance(SHOP, state, Wake(at=state.wake_at))
    assert [(send.kind, send.attempt) for send in again.commands] == [("undo", 2)]
    refused = answered(again.state, "hold", NotLetGo()).state
    assert refused.review
    assert refused.review.choices == ("retry", "continue")
    assert advance(SHOP, refused, Wake(at=refused.review.until)).state.status == "review"


def test_unknown_without_a_query_goes_to_a_person_at_once() -> None:
    state = answered(both_sent().state, "hold", Held()).state
    state = answered(state, "grant", Granted()).state
    state = answered(state, "decide", Decided()).state
    unknown = answered(state, "send", SendUnknown())
    assert unknown.state.status == "review"
    assert sent(chosen(unknown.state, "retry")) == ["Send"]


def test_the_deadline_stands_still_in_review() -> None:
    asked = answered(started().state, "check", Suspected())
    later = chosen(asked.state, "continue", after=3 * 3600)
    assert later.state.deadline - asked.state.deadline == hours(3)
    assert sent(later) == ["Hold", "Grant"]


def test_after_the_deadline_nothing_new_begins_before_the_pivot() -> None:
    held = answered(both_sent().state, "hold", Held(), after=1)
    late = answered(held.state, "grant", Granted(), after=1801)
    assert sent(late) == ["LetItGo", "Revoke"]


def test_a_review_before_the_pivot_that_runs_out_undoes() -> None:
    asked = answered(started().state, "check", Suspected())
    assert asked.state.review
    over = advance(SHOP, asked.state, Wake(at=asked.state.review.until))
    assert over.state.status == "undone"
