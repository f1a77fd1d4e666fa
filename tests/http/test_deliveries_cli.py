"""Services and deliveries from the command line: previewed, done, and told as over HTTP."""

import json
from collections.abc import Callable

import pytest
from sqlalchemy import delete, select
from typer.testing import CliRunner

from contracts.delivery.tables import attempts, pauses
from contracts.runtime.database import Database
from contracts.runtime.settings import settings
from contracts.runtime.tokens import mint
from deploy.cli import deliveries
from deploy.cli.common import app
from deploy.client import Refused
from tests.http.conftest import Edge
from tests.http.test_acts import CONFIRMED, crm, letter, trail

__all__ = ["crm", "trail"]
GROUPS = (deliveries,)
Command = Callable[..., str]
WHY = ("--reason", "it floods us")


@pytest.fixture
def concerto(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> Command:
    """`concerto … --url`, as an operator."""

    def run(*words: str) -> str:
        monkeypatch.setenv("CONCERTO_TOKEN", mint(settings(), "operator", "olga"))
        done = CliRunner().invoke(app, [*words, "--url", edge.url])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.output

    return run


def test_a_service_is_paused_from_the_command_line(concerto: Command, crm: Database) -> None:
    """Previewed, paused, shown, refused the second time, resumed."""
    said = concerto("consumers", "pause", "crm", *WHY, "--for", "60", "--dry-run")
    assert said.startswith("would be: crm rests until ")
    with crm.transaction() as session:
        assert session.scalar(select(pauses.c.by)) is None
    assert concerto("consumers", "pause", "crm", *WHY).startswith("crm rests until ")
    (shown,) = [s for s in json.loads(concerto("services", "--json")) if s["name"] == "crm"]
    assert shown["paused"]["reason"] == "it floods us"
    assert "by olga" in concerto("services")
    with pytest.raises(Refused, match="olga has paused it until"):
        concerto("consumers", "pause", "crm", *WHY)
    said = concerto("consumers", "resume", "crm", *WHY)
    assert said == "crm goes on, with 0 messages that wait\n"


def test_a_dead_letter_is_found_and_replayed(concerto: Command, crm: Database) -> None:
    dead = letter(crm)
    (shown,) = json.loads(concerto("dead", "--subject", dead, "--type", CONFIRMED, "--json"))
    assert (shown["id"], shown["service"]) == (dead, "crm")
    said = f"{CONFIRMED} about {dead} to crm: handled again\n"
    assert concerto("dead", "replay", dead, *WHY, "--dry-run") == f"would be: {said}"
    assert concerto("dead", "replay", dead, *WHY) == said
    with pytest.raises(Refused, match="olga replayed it"):
        concerto("dead", "replay", dead, *WHY)
    other = letter(crm)
    with pytest.raises(Refused, match=f"{dead}: .*olga replayed it"):
        concerto("dead", "replay", dead, other, *WHY)
    assert json.loads(concerto("dead", "--json")) == []
    with crm.transaction() as session:
        session.execute(delete(attempts))


def test_what_was_missed_is_back_filled(concerto: Command, trail: Database) -> None:
    said = concerto("consumers", "backfill", "crm", *WHY, "--event", "OrderConfirmed")
    assert said == "1 events to crm, through its own queue\n"
    assert [one["subscriber"] for one in json.loads(concerto("consumers", "--json"))] == ["crm"]
    assert "8 tries" in concerto("consumers")
