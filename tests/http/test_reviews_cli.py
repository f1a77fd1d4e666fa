"""The same from the command line: what waits, whose it is, and what is done about it."""

import json
from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from contracts.messages.returns import ReturnExpected
from contracts.runtime.settings import settings
from contracts.runtime.tokens import mint
from deploy.cli import operations, reviews
from deploy.cli.common import app
from deploy.client import Refused
from tests.http.conftest import Edge
from tests.http.people import Returned

Command = Callable[..., str]
GROUPS = (operations, reviews)


@pytest.fixture
def concerto(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> Command:
    """`concerto … --url`, as somebody in a role."""

    def run(*words: str, who: str = "cleo", role: str = "support") -> str:
        monkeypatch.setenv("CONCERTO_TOKEN", mint(settings(), role, who))
        done = CliRunner().invoke(app, [*words, "--url", edge.url])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.output

    return run


@pytest.fixture
def review(edge: Edge) -> str:
    """Support is asked whether the goods came back in order."""
    sent_back = Returned.begun(edge.host)
    sent_back.answered("register return", ReturnExpected)
    return sent_back.review()


def test_a_review_is_worked_on_from_the_command_line(concerto: Command, review: str) -> None:
    """Claimed, refused to another, taken over, given on, decided; the audit tells all of it."""
    why = ("--reason", "it is urgent")
    assert concerto("reviews", "claim", review) == "support decides it; cleo works on it\n"
    mine = json.loads(concerto("reviews", "--mine", "--json"))
    assert [one["id"] for one in mine] == [review]
    assert review not in concerto("reviews", "--unclaimed", "--json")
    with pytest.raises(Refused, match="cleo has claimed it"):
        concerto("reviews", "claim", review, who="cora")
    concerto("reviews", "claim", review, "--take-over", *why, who="cora")
    concerto("reviews", "release", review, who="cora")
    said = concerto("reviews", "reassign", review, "--to-role", "operator", *why)
    assert said == "operator decides it; nobody works on it\n"
    told = concerto("reviews", "decide", review, "continue", *why, who="olga", role="operator")
    assert told.startswith("olga chose continue: it is urgent\n")
    rows = json.loads(concerto("audit", "--json", who="olga", role="operator"))
    assert [row["action"] for row in rows if row["about"] == review] == [
        "decide",
        "reassign",
        "release",
        "take over",
        "claim",
    ]
