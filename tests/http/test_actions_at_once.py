"""Many actions: on many sagas, each by itself; on one at once, where one wins."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.messages.orders import OrderCreated
from orchestrator.shell import runner, store
from tests.http.acts import WHY, acts, fall_due, journal, replayed, rows
from tests.http.conftest import Edge
from tests.http.people import Ordered, Person


@pytest.mark.parametrize("due", [True, False])
def test_twenty_clicks_while_it_wakes_are_one_effect(
    edge: Edge, olga: Person, order: Ordered, due: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One more sending, by a click or by the wake-up; all others are refused with the reason, and
    every click leaves a row."""
    fall_due(edge, order)
    if due:
        later = datetime.now(UTC) + timedelta(seconds=30)
        monkeypatch.setattr(store, "now", lambda _: later)

    def click(number: int) -> tuple[int, Any]:
        if number % 7 == 3:
            edge.host.run(runner.wake)
        return acts(olga, order, "retry", seen_version=1)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(click, range(20)))
    done = [said for status, said in answers if status == 200]
    refused = [said for status, said in answers if status == 409]
    sendings = [entry.commands for entry in journal(edge, order)[1:] if entry.commands]
    assert len(sendings) == 1
    assert len(done) + len(refused) == 20
    assert len(done) <= 1 if due else len(done) == 1
    assert all("sent again (2 of 6)" in said["detail"] for said in refused)
    marks = [refusal for _, _, refusal in rows(edge, order)]
    assert (marks.count(False), marks.count(True)) == (len(done), len(refused))
    assert replayed(edge, order)


def test_pausing_and_resuming_at_once_doubles_nothing(
    edge: Edge, olga: Person, order: Ordered
) -> None:
    """Each version is decided about once, whoever comes first."""
    order.answered("create order", OrderCreated)

    def click(number: int) -> int:
        action = "pause" if number % 2 else "resume"
        return acts(olga, order, action)[0]

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(click, range(10)))
    assert set(answers) <= {200, 409}
    sent = [command["type"] for entry in journal(edge, order) for command in entry.commands]
    assert sent == ["CreateOrder", "CheckFraud"]
    assert replayed(edge, order)


def test_many_are_acted_on_each_by_itself(edge: Edge, olga: Person) -> None:
    """One line each, in order: done, moved on, not now, unknown, no id."""
    good, moved, undone = (Ordered.begun(edge.host) for _ in range(3))
    assert acts(olga, undone, "cancel")[0] == 200
    items = [
        {"id": good.order_id, "seen_version": 1},
        {"id": moved.saga_id, "seen_version": 7},
        {"id": undone.saga_id, "seen_version": 2},
        {"id": "01900000-0000-8000-8000-000000000000", "seen_version": 1},
        {"id": "nobody", "seen_version": 1},
    ]
    body: dict[str, Any] = {"action": "cancel", "reason": WHY, "items": items}
    dry = olga.lines("POST", "/sagas:actions", {**body, "dry_run": True})
    assert [line["ok"] for line in dry] == [True, False, False, False, False]
    assert good.state().heading == "forward"
    lines = olga.lines("POST", "/sagas:actions", body)
    assert [line["id"] for line in lines] == [item["id"] for item in items]
    assert (lines[0]["ok"], lines[0]["applied"]) == (True, True)
    assert [line["problem"]["type"].rsplit("/")[-1] for line in lines[1:]] == [
        "moved-on",
        "not-now",
        "not-found",
        "not-found",
    ]
    assert good.state().heading == "back"
    assert rows(edge, moved) == [("olga", "cancel", True)]
    assert Person(edge.url, "sam")("POST", "/sagas:actions", body)[0] == 403
