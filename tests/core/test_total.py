"""`advance` is total: whatever comes, whenever, it decides or says why it ignores."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw, json, structs

from contracts.messages.base import Result
from contracts.messages.catalogue import read
from contracts.messages.values import MessageId, SagaId, stamped
from orchestrator.core.advance import advance
from orchestrator.core.decision import Decision
from orchestrator.core.definition import results_of, scaled
from orchestrator.core.sample import example_of
from orchestrator.core.state import (
    FINISHED,
    Answer,
    Cancelled,
    Chosen,
    Hurried,
    Input,
    Kind,
    Paused,
    Resumed,
    Start,
    State,
    Wake,
    begin,
)
from orchestrator.core.turn import id_of
from orchestrator.sagas import SAGAS
from orchestrator.sagas.order_data import Order

ORDER = SAGAS["order", 1]
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
SAGA_ID = SagaId(stamped(NOON, "saga"))
MAKES = [m for s in ORDER.flat for m in (s.do, s.undo, s.query and s.query.command) if m]
RESULTS: list[Result] = sorted(
    {example_of(result) for make in MAKES for result in results_of(make)},  # type: ignore[arg-type]
    key=repr,
)
IDS = st.builds(
    id_of,
    st.just(SAGA_ID),
    st.sampled_from(ORDER.flat),
    st.sampled_from(["do", "undo", "query"]),
    st.integers(1, 3),
) | st.text(max_size=40)
TIMES = st.integers(-3600, 40 * 86400).map(lambda after: NOON + timedelta(seconds=after))
KINDS = ["start", "wake", "right", "right", "right", "any", "choose", "cancel"]
KINDS += ["hurry", "pause", "resume", "resume"]
RAW: list[Any] = [None, "no result", 7, object()]


@st.composite
def inputs(draw: st.DrawFn, state: State) -> Input:
    """Any input, most often one that means something in that state."""
    at = draw(TIMES | st.just(state.wake_at or NOON))
    kind = draw(st.sampled_from(KINDS))
    if kind == "start":
        return Start(at=at)
    if kind == "wake":
        return Wake(at=at)
    if kind == "cancel":
        return Cancelled(at=at, by="Pat", reason="so")
    if kind == "hurry":
        step = draw(st.sampled_from([step.name for step in state.steps]) | st.text(max_size=5))
        return Hurried(at=at, step=step, by="Olga", reason="so")
    if kind == "pause":
        return Paused(at=at, until=draw(TIMES), by="Olga", reason="so")
    if kind == "resume":
        return Resumed(at=at, by="Olga", reason="so")
    if kind == "choose":
        review = draw(st.just(state.review.id if state.review else "none") | st.text(max_size=5))
        choice = draw(st.sampled_from(["retry", "continue", "undo", "", "jump"]))
        return Chosen(at=at, review_id=review, choice=choice, by="Pat", reason="so")
    awaited = [step.command_id for step in state.steps if step.command_id]
    if kind == "right" and awaited:
        return Answer(at=at, command_id=awaited[0], result=draw(st.sampled_from(RESULTS)))
    result = draw(st.sampled_from([*RESULTS, *RAW]))
    return Answer(at=at, command_id=MessageId(draw(IDS)), result=result)


def new(payable: int = 1) -> State:
    order: Order = example_of(Order)
    total = replace(order.payable.total, amount=payable)
    data = replace(order, payable=replace(order.payable, total=total))
    return begin(ORDER, SAGA_ID, data, NOON)


@settings(max_examples=100, deadline=None)
@given(st.data(), st.integers(0, 1))
def test_any_input_at_any_time_is_decided_or_ignored_with_a_reason(
    data: st.DataObject, payable: int
) -> None:
    state = new(payable)
    published = 0
    for _ in range(data.draw(st.integers(1, 40))):
        decision = advance(ORDER, state, data.draw(inputs(state)))
        holds(state, decision)
        published += sum(event.wire_name() == "OrderConfirmed" for event in decision.events)
        state = decision.state
    assert published == (state.steps[ORDER.pivot_place].status == "done")


def holds(before: State, decision: Decision) -> None:
    after = decision.state
    if decision.ignored is not None:
        assert decision.ignored
        assert after is before
        assert (decision.commands, decision.events, decision.notes) == ((), (), ())
        return
    assert before.status not in FINISHED
    assert after.version == before.version + 1
    assert (after.wake_at is None) == after.finished
    assert (after.review is not None) == (after.status == "review")
    assert decision.notes


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_the_same_inputs_give_the_same_state(data: st.DataObject) -> None:
    state, journal = new(), []
    for _ in range(15):
        happened = data.draw(inputs(state))
        decision = advance(ORDER, state, happened)
        if not decision.ignored:
            journal.append(happened)
        state = decision.state
    again = new()
    for happened in journal:
        again = advance(ORDER, again, happened).state
    assert again == state


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_one_id_carries_one_command(data: st.DataObject) -> None:
    state = new()
    sent: dict[MessageId, tuple[Kind, str, object]] = {}
    for _ in range(30):
        decision = advance(ORDER, state, data.draw(inputs(state)))
        for send in decision.commands:
            now = (send.kind, send.step, send.command)
            assert sent.setdefault(send.id, now) == now
        state = decision.state


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_state_survives_being_stored_as_json(data: st.DataObject) -> None:
    state = new()
    for _ in range(12):
        state = advance(ORDER, state, data.draw(inputs(state))).state
    stored = json.encode(structs.replace(state, data=None)), json.encode(state.data)
    read_again = read(State, Raw(stored[0]))
    assert structs.replace(read_again, data=read(Order, Raw(stored[1]))) == state


def test_scaling_multiplies_every_wait() -> None:
    fast = scaled(ORDER, 0.01)
    slow = advance(ORDER, new(), Start(at=NOON)).state.wake_at
    soon = advance(fast, new(), Start(at=NOON)).state.wake_at
    assert slow
    assert soon
    assert (soon - NOON) == (slow - NOON) * 0.01
    assert fast.deadline == ORDER.deadline * 0.01
    query = fast.flat[ORDER.place["authorize payment"]].query
    assert query
    assert query.every == timedelta(seconds=0.3)


def test_a_saga_that_was_never_started_is_started_by_its_wake_up() -> None:
    woken = advance(ORDER, new(), Wake(at=NOON))
    assert [send.step for send in woken.commands] == ["create order"]
    assert advance(ORDER, woken.state, Start(at=NOON)).ignored == "it has started already"


def test_intervals_double_and_differ_between_sagas_by_at_most_a_quarter() -> None:
    waits = set()
    for number in range(20):
        state = structs.replace(new(), id=SagaId(stamped(NOON, str(number))))
        state = advance(ORDER, state, Start(at=NOON)).state
        assert state.wake_at
        first = state.wake_at - NOON
        assert timedelta(seconds=10) <= first <= timedelta(seconds=12.5)
        again = advance(ORDER, state, Wake(at=state.wake_at)).state
        assert again.wake_at
        assert timedelta(seconds=20) <= again.wake_at - state.wake_at <= timedelta(seconds=25)
        waits.add(first)
    assert len(waits) > 15
