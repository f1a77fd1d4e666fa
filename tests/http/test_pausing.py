"""An order that is paused learns what comes, and goes on when it is resumed or its time is over."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.messages.orders import OrderCreated
from orchestrator.shell import runner, store
from tests.http.acts import WHY, acts, fall_due, journal, replayed, rows
from tests.http.conftest import Edge
from tests.http.people import Ordered, Person


def test_a_paused_order_learns_and_waits_until_it_is_resumed(
    edge: Edge, olga: Person, order: Ordered
) -> None:
    """It is found among the paused; what is wanted of it meanwhile is refused with the reason."""
    assert acts(olga, order, "pause", for_seconds=600)[0] == 200
    order.answered("create order", OrderCreated)
    _, shown = olga("GET", f"/sagas/{order.order_id}")
    assert (shown["paused"]["by"], shown["paused"]["reason"]) == ("olga", WHY)
    assert (shown["status"], shown["allowed_actions"]) == ("running", ["undo", "cancel", "resume"])
    assert f"olga paused it 0.0 s ago: {WHY}."[:14] in " ".join(shown["why"])
    _, listed = olga("GET", "/sagas?paused=true&saga=order")
    assert order.saga_id in [saga["id"] for saga in listed["sagas"]]
    status, said = acts(olga, order, "retry")
    assert (status, said["detail"]) == (409, "it is paused by olga; resume it first")
    status, said = acts(olga, order, "resume")
    assert (status, [one["type"] for one in said["commands"]]) == (200, ["CheckFraud"])
    assert [row[1:] for row in rows(edge, order)] == [
        ("pause", False),
        ("retry", True),
        ("resume", False),
    ]
    assert replayed(edge, order)


def test_a_pause_is_over_by_itself(
    edge: Edge, olga: Person, order: Ordered, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The saga is woken then, and not before."""
    acts(olga, order, "pause", for_seconds=600)
    order.answered("create order", OrderCreated)
    later = datetime.now(UTC) + timedelta(seconds=601)
    fall_due(edge, order)
    edge.host.run(runner.wake)
    assert order.state().paused
    monkeypatch.setattr(store, "now", lambda _: later)
    fall_due(edge, order)
    edge.host.run(runner.wake)
    assert order.state().paused is None
    assert journal(edge, order)[-1].commands[0]["type"] == "CheckFraud"


def test_a_customer_who_cancels_a_paused_order_is_told_when_it_is_undone(
    edge: Edge, olga: Person, order: Ordered
) -> None:
    """It is not forgotten."""
    acts(olga, order, "pause")
    customer = Person(edge.url, "cleo", "customer")
    status, said = customer("POST", f"/orders/{order.order_id}/cancel")
    assert status == 202
    assert said["status"].startswith("the order is paused, and undone when it goes on, by ")
    order.answered("create order", OrderCreated)
    assert journal(edge, order)[-1].commands == []
    assert acts(olga, order, "resume")[1]["commands"][0]["type"] == "RejectOrder"
