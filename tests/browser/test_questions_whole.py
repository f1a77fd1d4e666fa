"""What is asked about the process as a whole: on the page, in JSON, from `concerto draw`."""

from typing import Any

import pytest

from tests.browser.conftest import Console
from tests.browser.test_questions_choreography import short


@pytest.fixture
def order(console: Console) -> Any:
    """The order's saga as it is defined, and the page about it."""
    console.open("/console/process?saga=order")
    return next(saga for saga in console.json("/process")["sagas"] if saga["name"] == "order")


def test_what_is_the_full_process(console: Console, order: Any) -> None:
    """Every step, in the table and in the picture, in the order of the definition."""
    table = console.page.locator("section:has(#saga) tbody th").all_inner_texts()
    assert [row.split("\n")[0].split(" pivot")[0].split(" side")[0].strip() for row in table] == [
        step["name"] for step in order["steps"]
    ]
    drawn = console.page.locator(".drawing svg").first.text_content() or ""
    drawing = console.night.concerto("draw", "order")
    for step in order["steps"]:
        assert step["name"] in drawn
        assert step["name"] in drawing


def test_which_service_triggers_the_next_step(console: Console, order: Any) -> None:
    """As it is defined, and as it was observed: who sent what to whom."""
    for step in order["steps"]:
        assert step["owner"] in console.row(step["name"], short(step["command"]))
    edges = console.json("/process/observed")["edges"]
    assert any(edge["to"] == "payments" for edge in edges)
    console.page.click("#edges summary")
    for edge in edges[:10]:
        assert edge["to"] in console.row(edge["from"], short(edge["event"]), edge["to"])
    told = console.night.concerto("draw", "--observed")
    assert "payments" in told


def test_which_service_compensates_which_action(console: Console, order: Any) -> None:
    """The undo of each step stands beside its command."""
    drawing = console.night.concerto("draw", "order")
    undone = [step for step in order["steps"] if step["undo"]]
    assert len(undone) >= 4
    for step in undone:
        assert short(step["undo"]) in console.row(step["name"], short(step["command"]))
        assert short(step["undo"]) in drawing


def test_who_owns_it(console: Console, order: Any) -> None:
    """Each step its service; what nobody else decides, the saga's role."""
    assert f"{order['owner']} is asked in the end" in console.text
    drawing = console.night.concerto("draw", "order")
    for step in order["steps"]:
        assert step["owner"] in console.row(step["name"], short(step["command"]))
        assert step["owner"] in drawing


def test_where_does_its_state_live(console: Console, order: Any) -> None:
    """The saga's row, and the schema and tables of each service."""
    assert order["state_lives_in"] in console.text
    console.open("/console/consumers")
    services = console.json("/services")
    assert [one["name"] for one in console.night.said("services")] == [
        one["name"] for one in services
    ]
    for service in services:
        console.page.locator(f"#tables-{service['name']} summary").click()
        row = console.page.locator(f"#service-{service['name']}").inner_text()
        assert service["schema"] in row
        assert all(table in row for table in service["tables"])
