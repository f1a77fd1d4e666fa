"""A staged night: what fails outside, and how somebody at the console mends all of it.

For ten minutes, at three seconds each, the payment provider gives no answer; the CRM is down; a
mail server refuses a mail for good; no carrier takes a parcel. From each alert to what is to be
done about it take three clicks at most. With CONCERTO_SCREENSHOTS=FOLDER the night is recorded:
pictures, and a trace for `playwright show-trace`.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.night import DEAD_MAIL, Night, switched
from tests.browser.staged import MINUTE_SECONDS, OnCall, on_call, stack_of
from tests.system.conftest import Platforms, wait_until

CLICKS_MOST, SECONDS_MOST = 3, 30
SILENT_MINUTES, HELD = 10, 7
PATIENCE_MS = 20_000


@dataclass
class Staged:
    """What was ordered, by what becomes of it."""

    night: Night
    person: OnCall
    good: list[str]
    held: list[str]
    refused: str = ""
    silent_since: float = 0.0

    @property
    def platform(self) -> Platforms:
        """The stack."""
        return self.night.platform

    def get(self, path: str) -> Any:
        """What the platform says."""
        return self.platform.http.get(path)

    def asked(self) -> list[Any]:
        """What operators are asked."""
        listed: list[Any] = self.get("/reviews?role=operator")["reviews"]
        return listed


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Staged]:
    """A stack of its own, and somebody on call."""
    folder = tmp_path_factory.mktemp("staged")
    with stack_of(folder) as night, on_call(night, chromium) as person:
        yield Staged(night, person, [], [])


def test_a_night_is_mended_from_the_console_alone(staged: Staged) -> None:
    """Each alert leads to the right deed in three clicks and 30 s; then all is well again."""
    all_is_well(staged)
    everything_fails(staged)
    the_provider_is_silent(staged)
    the_crm_rests(staged)
    a_mail_is_replayed(staged)
    the_provider_is_back(staged)
    the_crm_goes_on(staged)
    what_nobody_sends_is_cancelled(staged)
    all_is_well_again(staged)
    slow = [d for d in staged.person.deeds if d.clicks > CLICKS_MOST or d.seconds > SECONDS_MOST]
    assert slow == []
    every_deed_is_audited(staged)
    assert staged.platform.breaches() == []


def all_is_well(staged: Staged) -> None:
    """Orders go through, and *Now* says so."""
    staged.good += staged.platform.submit(3)
    staged.platform.wait_ended(staged.good)
    assert "Nothing is wrong. Nobody needs to act." in staged.person.console.open("/console")
    staged.person.picture("all is well")


def everything_fails(staged: Staged) -> None:
    """The CRM and a mailbox first, and a parcel that nobody takes; then the provider is silent."""
    platform = staged.platform
    switched(platform, "crm", down=True)
    switched(platform, "mail", refuse=DEAD_MAIL)
    poison = platform.order()
    poison["ship_to"]["email"] = f"{DEAD_MAIL}{poison['ship_to']['email']}"
    (answer,) = platform.http.call("POST", "/orders:batch", {"orders": [poison]})
    staged.good += [answer["id"], *platform.submit(2)]
    (staged.refused,) = platform.submit(1, postcode="SIM-REFUSE")
    platform.wait_ended(staged.good)
    wait_until("a carrier has refused it", lambda: _refusals(staged) > 0)
    switched(platform, "payment", silent=True)
    staged.silent_since = time.monotonic()
    staged.held += platform.submit(HELD)


def the_provider_is_silent(staged: Staged) -> None:
    """The alert leads to the orders that wait for it; they could be tried again, all at once."""
    person = staged.person
    person.see("ParticipantSilent")
    waiting = person.page.locator("tbody tr", has_text="authorize payment")
    expect(waiting).to_have_count(HELD, timeout=PATIENCE_MS)
    person.picture("ParticipantSilent, all of them")
    person.press("See it for all")
    expect(person.page.get_by_role("heading", level=1)).to_contain_text("Retry")
    person.picture("ParticipantSilent preview, left")
    person.press("Leave it")  # for it would be in vain: nobody answers yet


def the_crm_rests(staged: Staged) -> None:
    """It will be down for a while: nothing is sent there, so that nothing is given up."""
    person = staged.person
    person.see("CallsFail")
    person.press("Pause", within="#crm")
    person.confirm("let the CRM rest", "the CRM is down")


def a_mail_is_replayed(staged: Staged) -> None:
    """The mailbox takes mails again: what it did not have, it gets."""
    person = staged.person
    wait_until("the mail is given up", lambda: len(_dead(staged)) == 1)
    person.mend("mail", refuse="")
    person.see("DeadLetters")
    person.press("Replay")
    assert "handed to email" in person.confirm("replay the mail", "the mailbox takes mails again")
    wait_until("no letter is dead", lambda: not _dead(staged))


def the_provider_is_back(staged: Staged) -> None:
    """After ten minutes; whoever it did not answer in time is asked about, and tried once more."""
    person = staged.person
    wait_until("a person is asked about each", lambda: _asked_about(staged) == set(staged.held))
    over = staged.silent_since + SILENT_MINUTES * MINUTE_SECONDS
    wait_until("ten minutes are over", lambda: time.monotonic() > over)
    person.mend("payment", silent=False)
    person.see("OperatorsAsked")
    person.press(f"Try all {HELD} again")
    person.confirm("try all payments again", "the provider is back")
    wait_until("they are paid", lambda: not _asked_about(staged))
    staged.good += staged.platform.submit(2)


def the_crm_goes_on(staged: Staged) -> None:
    """It is up again, and is told all that was kept for it."""
    person = staged.person
    person.mend("crm", down=False)
    person.see("PausedForLong")
    person.press("Resume", within="#crm")
    assert "crm goes on" in person.confirm("let the CRM go on", "the CRM is up again")


def what_nobody_sends_is_cancelled(staged: Staged) -> None:
    """No carrier goes there, and will not tomorrow: the money goes back. Its saga, which had asked
    what now, then learns from shipping that nothing is sent."""
    person = staged.person
    wait_until("a person is asked about it", lambda: len(staged.asked()) == 1)
    while "Nobody can tell" in staged.asked()[0]["question"]:  # a slow machine lost an answer
        person.see("OperatorsAsked")
        person.press("Try again")
        person.confirm("ask the carrier again", "an answer was lost")
        wait_until("it is told", lambda: len(staged.asked()) == 1)
    person.see("OperatorsAsked")
    person.press("Cancel the order")
    said = person.confirm("cancel what nobody sends", "no carrier delivers there")
    assert "being cancelled" in said
    wait_until("its money is back", lambda: _status(staged, staged.refused) == "cancelled")
    person.see("OperatorsAsked")
    person.press("Try again")
    person.confirm("let its saga end", "it is cancelled, nothing is sent")


def all_is_well_again(staged: Staged) -> None:
    """Every order has ended as it should, nothing is dead or behind, and no alert is left."""
    every = [*staged.good, *staged.held, staged.refused]
    platform = staged.platform
    wait_until(
        "every saga has ended", lambda: set(platform.states(every).values()) == {"completed"}
    )
    platform.wait_delivered()
    good = {order: _status(staged, order) for order in [*staged.good, *staged.held]}
    assert set(good.values()) == {"confirmed"}
    wait_until("no alert is left", lambda: not staged.get("/now")["alerts"])
    now = staged.get("/now")
    assert (now["dead_letters"], now["attention"]["open"]) == (0, 0)
    assert [c for c in now["consumers"] if c["depth"] or c["dead"]] == []
    assert "Nothing is wrong. Nobody needs to act." in staged.person.console.open("/console")
    staged.person.picture("all is well again")


def every_deed_is_audited(staged: Staged) -> None:
    """One row for each order and each letter that somebody did something about, and no other."""
    rows = staged.get("/audit")["audit"]
    mine = [row for row in rows if row["by"] == "olga"]
    assert len(mine) == sum(deed.rows for deed in staged.person.deeds)
    assert not any(row["refused"] for row in mine)
    assert {row["action"] for row in mine} == {"pause", "resume", "replay", "retry", "cancel"}
    staged.person.console.open("/console/audit")
    staged.person.picture("audit")


def _refusals(staged: Staged) -> int:
    return int(staged.platform.step(staged.refused, "start shipping").get("refusals", 0))


def _asked_about(staged: Staged) -> set[str]:
    """The orders about whose payment an operator is asked."""
    return {r["order_id"] for r in staged.asked() if r["step"] == "authorize payment"}


def _dead(staged: Staged) -> list[Any]:
    listed: list[Any] = staged.get("/dead-letters")["dead_letters"]
    return listed


def _status(staged: Staged, order: str) -> str:
    return str(staged.get(f"/orders/{order}")["status"])
