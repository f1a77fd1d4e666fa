"""The same from the command line: what would happen in plain words, and then it happens."""

from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from contracts.messages.orders import OrderCreated
from contracts.runtime.settings import settings
from contracts.runtime.tokens import mint
from deploy.cli import actions, operations
from deploy.cli.common import app
from deploy.client import Refused
from tests.http.acts import rows
from tests.http.conftest import Edge
from tests.http.people import Ordered

Command = Callable[..., str]
GROUPS = (actions, operations)
WHY = ("--reason", "payments are back")


@pytest.fixture
def concerto(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> Command:
    """`concerto … --url`, as an operator."""

    def run(*words: str) -> str:
        monkeypatch.setenv("CONCERTO_TOKEN", mint(settings(), "operator", "cleo"))
        done = CliRunner().invoke(app, [*words, "--url", edge.url])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.output

    return run


def test_an_order_is_acted_on_from_the_command_line(
    concerto: Command, edge: Edge, order: Ordered
) -> None:
    """Shown, tried again, paused, refused, resumed, cancelled; the audit tells what was done."""
    shown = concerto("retry", order.order_id, *WHY, "--dry-run").splitlines()
    assert shown == [
        "Nothing is done yet. This would happen:",
        "cleo has create order tried now: payments are back",
        "create order: sent again (2 of 6)",
        "sends CreateOrder to orders (create order)",
        "The saga is running then.",
    ]
    done = concerto("retry", order.order_id, *WHY, "--step", "create order").splitlines()
    assert done == [*shown[1:-1], "The saga is running."]
    assert "cleo paused it until" in concerto("pause", order.order_id, *WHY, "--for", "600")
    assert order.order_id in concerto("sagas", "--paused", "--json")
    with pytest.raises(Refused, match="it is paused by cleo; resume it first"):
        concerto("retry", order.order_id, *WHY)
    order.answered("create order", OrderCreated)
    assert "sends CheckFraud to fraud" in concerto("resume", order.order_id, *WHY)
    assert "then sends RejectOrder" in concerto("cancel", order.order_id, *WHY)
    assert [action for _, action, refused in rows(edge, order) if not refused] == [
        "retry",
        "pause",
        "resume",
        "cancel",
    ]


def test_what_nobody_asks_about_is_not_decided(concerto: Command, order: Ordered) -> None:
    """The reason says so."""
    with pytest.raises(Refused, match="no person is asked about it"):
        concerto("continue", order.order_id, *WHY)
    assert "undoing begins" in concerto("undo", order.order_id, *WHY)
