"""A saga that is paused learns and does nothing; what waits is tried at once when somebody asks."""

from datetime import timedelta

import pytest

from orchestrator.core.advance import advance
from orchestrator.core.decision import Decision
from orchestrator.core.state import (
    Answer,
    Cancelled,
    Hurried,
    Input,
    Paused,
    Reassigned,
    Resumed,
    State,
    Wake,
    begin,
)
from orchestrator.core.tell import why
from orchestrator.core.turn import id_of
from tests.core.test_parallel import NOON, answered, both_sent, chosen, sent, started
from tests.core.toy import (
    SHOP,
    Decided,
    Granted,
    GrantUnknown,
    Held,
    LetGo,
    NotHeld,
    PartlyHeld,
    Passed,
    SendUnknown,
    Suspected,
)

BY = {"by": "Olga", "reason": "payments are down"}
STOPPED = "it is paused by Olga; resume it first"


def told(state: State, given: Input) -> Decision:
    return advance(SHOP, state, given)


def paused(state: State, after: float = 0, lasts: float = 3600) -> State:
    at = NOON + timedelta(seconds=after)
    decision = told(state, Paused(at=at, until=at + timedelta(seconds=lasts), **BY))
    assert decision.ignored is None
    assert sent(decision) == []
    return decision.state


def resumed(state: State, after: float = 60) -> Decision:
    return told(state, Resumed(at=NOON + timedelta(seconds=after), **BY))


def hurried(state: State, step: str, after: float = 1) -> Decision:
    return told(state, Hurried(at=NOON + timedelta(seconds=after), step=step, **BY))


def woken(state: State) -> Decision:
    assert state.wake_at
    return told(state, Wake(at=state.wake_at))


def test_it_learns_what_comes_and_sends_nothing_until_it_is_resumed() -> None:
    waits = answered(paused(started().state), "check", Passed())
    assert (sent(waits), waits.state.status) == ([], "running")
    assert waits.state.steps[0].status == "done"
    assert sent(resumed(waits.state)) == ["Hold", "Grant"]


def test_it_goes_on_by_itself_when_the_pause_is_over() -> None:
    waits = answered(paused(started().state), "check", Passed()).state
    assert waits.wake_at == NOON + timedelta(hours=1)
    early = told(waits, Wake(at=NOON + timedelta(minutes=59)))
    assert early.ignored == "it is paused by Olga until 2026-01-05 13:00:00 UTC"
    assert sent(woken(waits)) == ["Hold", "Grant"]
    assert woken(waits).state.paused is None


def test_what_fell_due_in_a_pause_is_due_when_it_goes_on() -> None:
    goes_on = woken(paused(started().state))
    assert sent(goes_on) == []
    assert sent(woken(goes_on.state)) == ["Check"]


def test_a_failure_is_learned_and_undone_only_when_it_goes_on() -> None:
    state = answered(paused(both_sent().state), "hold", NotHeld()).state
    state = answered(state, "grant", Granted()).state
    assert (state.status, state.heading) == ("running", "forward")
    assert sent(resumed(state)) == ["Revoke"]


def test_what_the_pivot_decided_is_published_at_once() -> None:
    state = answered(both_sent().state, "hold", Held()).state
    state = paused(answered(state, "grant", Granted()).state)
    decided = answered(state, "decide", Decided())
    assert [event.wire_name() for event in decided.events] == ["AllDecided"]
    assert sent(decided) == []
    assert sent(resumed(decided.state)) == ["Send"]


def test_what_nobody_can_tell_is_asked_about_when_it_goes_on() -> None:
    unknown = answered(paused(both_sent().state), "grant", GrantUnknown())
    assert sent(unknown) == []
    assert sent(woken(resumed(unknown.state).state)) == ["Look"]


def test_a_question_is_put_when_it_goes_on() -> None:
    asked = answered(paused(started().state), "check", Suspected())
    assert (asked.state.status, asked.reviews) == ("running", ())
    assert resumed(asked.state).state.status == "review"


def test_a_question_may_become_moot_in_a_pause() -> None:
    asked = answered(both_sent().state, "hold", PartlyHeld()).state
    better = answered_again(paused(asked))
    assert better.state.review is None
    assert better.state.status == "running"


def answered_again(state: State) -> Decision:
    """All of it is held after all."""
    held = id_of(state.id, SHOP.flat[1], "do", 1)
    return told(state, Answer(at=NOON, command_id=held, result=Held()))


def test_the_deadline_and_a_reviews_time_stand_still() -> None:
    before = started().state
    after = resumed(paused(before), after=600).state
    assert after.deadline - before.deadline == timedelta(seconds=600)
    asked = answered(before, "check", Suspected()).state
    again = resumed(paused(asked), after=600).state
    assert asked.review
    assert again.review
    assert again.review.until - asked.review.until == timedelta(seconds=600)
    assert again.deadline == asked.deadline, "it stands still in review already"
    decided = chosen(again, "continue", after=900).state
    assert decided.deadline - asked.deadline == timedelta(seconds=900)


def test_a_review_that_ends_in_a_pause_counts_no_second_twice() -> None:
    asked = answered(both_sent().state, "hold", PartlyHeld(), after=100).state
    moot = answered_again(paused(asked, after=200)).state
    goes_on = resumed(moot, after=500).state
    assert goes_on.deadline - asked.deadline == timedelta(seconds=400)


def test_what_people_want_of_a_paused_saga_is_refused() -> None:
    state = paused(answered(started().state, "check", Suspected()).state)
    assert state.review
    assert chosen(state, "continue").ignored == STOPPED
    assert hurried(state, "check").ignored == STOPPED
    again = Paused(at=NOON, until=NOON + timedelta(hours=9), **BY)
    assert told(state, again).ignored == STOPPED
    given = Reassigned(at=NOON, review_id=state.review.id, owner="support", **BY)
    assert told(state, given).ignored == STOPPED


def test_a_cancel_is_remembered_and_carried_out_when_it_goes_on() -> None:
    state = answered(both_sent().state, "hold", Held()).state
    cancelled = told(paused(state), Cancelled(at=NOON, by="Pat", reason="no"))
    assert cancelled.ignored is None
    assert sent(cancelled) == []
    state = answered(cancelled.state, "grant", Granted()).state
    assert sent(resumed(state)) == ["LetItGo", "Revoke"]


def test_only_what_is_under_way_is_paused_and_only_what_is_paused_resumed() -> None:
    state = started().state
    assert resumed(state).ignored == "it is not paused"
    nothing = Paused(at=NOON, until=NOON, **BY)
    assert told(state, nothing).ignored == "a pause lasts longer than nothing"
    fresh = begin(SHOP, state.id, state.data, NOON)
    soon = Paused(at=NOON, until=NOON + timedelta(hours=1), **BY)
    assert told(fresh, soon).ignored == "it has not begun yet"


def test_it_says_who_paused_it_and_when_it_goes_on() -> None:
    state = paused(answered(started().state, "check", Suspected()).state)
    lines = why(SHOP, state, NOON + timedelta(minutes=10))
    assert lines[-3:] == [
        "Olga paused it 10 min 00 s ago: payments are down.",
        "It goes on in 50 min 00 s, or when an operator resumes it.",
        "risk can decide then: Looks odd. Accept it?",
    ]


def test_silence_is_tried_now_under_the_same_id_and_as_often_as_it_may_be() -> None:
    first = started()
    again = hurried(first.state, "check")
    assert [send.id for send in again.commands] == [send.id for send in first.commands]
    assert again.commands[0].sending == 2
    over = hurried(again.state, "check")
    assert over.ignored == (
        "check was tried as often as it may be: a person is asked when its time is over"
    )


def test_a_refused_step_is_attempted_now_and_an_unknown_asked_about_now() -> None:
    state = answered(both_sent().state, "hold", Held()).state
    unknown = answered(state, "grant", GrantUnknown()).state
    asked = answered(unknown, "grant", GrantUnknown()).state
    assert hurried(asked, "grant").ignored, "one question is all there is"
    state = answered(state, "grant", Granted()).state
    state = answered(state, "decide", Decided()).state
    assert sent(hurried(state, "send")) == ["Send"]


@pytest.mark.parametrize(
    ("step", "because"),
    [
        ("check", "check is done"),
        ("decide", "decide has not begun"),
        ("jump", "it has no such step"),
        ("", "it waits for nothing"),
    ],
)
def test_what_waits_for_nothing_is_not_tried(step: str, because: str) -> None:
    assert hurried(both_sent().state, step).ignored == because


def test_what_a_person_is_asked_about_is_not_tried_behind_their_back() -> None:
    state = answered(both_sent().state, "hold", Held()).state
    state = answered(state, "grant", Granted()).state
    state = answered(state, "decide", Decided()).state
    unknown = answered(state, "send", SendUnknown()).state
    assert hurried(unknown, "send").ignored == "send waits for a person to decide its review"


def test_an_undo_is_tried_now_like_a_step() -> None:
    failed = answered(both_sent().state, "hold", NotHeld()).state
    undoing = answered(failed, "grant", Granted())
    again = hurried(undoing.state, "grant")
    assert [(send.kind, send.attempt, send.sending) for send in again.commands] == [("undo", 1, 2)]
    assert answered(again.state, "grant", LetGo()).state.status == "undone"
