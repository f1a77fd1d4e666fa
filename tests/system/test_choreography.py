"""Somebody registers and buys while the CRM is down and analytics stands still: nobody waits for
them, and both catch up by themselves.

The outage lasts 60 s in this deployment's time; `CONCERTO_TEST_TIME_SCALE=1` makes them real ones.
"""

import os
import signal
from collections import Counter
from time import monotonic
from typing import Any

import pytest

from tests.system.conftest import TIME_SCALE, Platforms, wait_until

pytestmark = pytest.mark.parametrize("platform", ["valkey"], indirect=True)
OUTAGE_SECONDS = 60 * TIME_SCALE
ON_TIME_SECONDS = 30.0
CATCH_UP_SECONDS = 60 + 4 * OUTAGE_SECONDS
LOOKED_SECONDS = 1.5
PEOPLE, EACH = 5, 4


class Story:
    """What happens to these people and their orders, and when, in seconds since it began."""

    def __init__(self, whole: Platforms, began: str) -> None:
        self.whole, self.people = whole, [f"story-{number}" for number in range(PEOPLE)]
        self.orders: list[str] = []
        self._began = monotonic()
        self.told = [(0.0, began)]

    def note(self, what: str) -> None:
        """This is so now."""
        self.told.append((monotonic() - self._began, what))

    def until(self, what: str, holds: Any, seconds: float) -> None:
        """Wait for it, and note when it came."""
        wait_until(what, holds, seconds)
        self.note(what)

    def over(self, seconds: float) -> bool:
        """Whether so much time has passed."""
        return monotonic() - self._began >= seconds

    def register(self) -> None:
        """Everybody registers."""
        for person in self.people:
            body = {"customer_id": person, "name": "Ann", "email": f"{person}@shop.example"}
            self.whole.http.call("POST", "/users", body, **{"Idempotency-Key": person})

    def buy(self) -> None:
        """Everybody buys, more than once."""
        for person in self.people:
            self.orders += self.whole.submit(EACH, customer_id=person)

    def mails(self) -> Counter[str]:
        """The mails of these people and orders that the mail server has."""
        mails = self.whole.records("mail")
        welcomes = Counter(m["to"][0].partition("@")[0] for m in mails if not m["order_id"])
        confirmations = Counter(m["order_id"] for m in mails if m["order_id"])
        return self._mine(welcomes + confirmations)

    def posts(self) -> Counter[str]:
        """What the CRM has of them: orders by id, people by theirs."""
        posts = self.whole.records("crm")
        kinds = {"order.confirmed": "order_id", "user.registered": "customer_id"}
        return self._mine(Counter(post["data"][kinds[post["type"]]] for post in posts))

    def counted(self) -> Counter[str]:
        """The orders that analytics has applied."""
        rows = self.whole.rows("analytics", "SELECT order_id::text FROM applied_orders")
        return self._mine(Counter(order for (order,) in rows))

    def registrations(self) -> int:
        """How many registrations analytics has counted, of anybody."""
        rows = self.whole.rows("analytics", "SELECT coalesce(sum(people), 0) FROM registrations")
        return int(rows[0][0])

    def begun(self) -> bool:
        """Whether everybody has a checklist, with the first order ticked."""
        query = "SELECT count(*) FROM checklists WHERE customer_id = ANY(:people) AND "
        query += "started_at IS NOT NULL AND first_order_at IS NOT NULL"
        return bool(self.whole.rows("onboarding", query, people=self.people)[0][0] == PEOPLE)

    def everybody(self) -> Counter[str]:
        """Each order and each registration once."""
        return Counter([*self.people, *self.orders])

    def _mine(self, counted: Counter[str]) -> Counter[str]:
        return Counter({k: counted[k] for k in (*self.people, *self.orders) if counted[k]})


def test_the_crm_and_analytics_catch_up_and_nobody_waits_for_them(whole: Platforms) -> None:
    """Mails are on time, registrations and orders stand; afterwards the CRM has each once, and so
    has analytics."""
    story = Story(whole, f"the CRM goes down, analytics stands still, for {OUTAGE_SECONDS:g} s")
    before = story.registrations()
    with whole.switched("crm", down=True), whole.held("analytics"):
        story.register()
        story.buy()
        story.note(f"{PEOPLE} people have registered, and submitted {len(story.orders)} orders")
        ends = whole.wait_ended(story.orders, ON_TIME_SECONDS)
        assert set(ends.values()) == {"completed"}
        story.note("every order is completed")
        story.until(
            "each order and each registration has its mail",
            lambda: story.mails() == story.everybody(),
            ON_TIME_SECONDS,
        )
        story.until("every checklist has begun", story.begun, ON_TIME_SECONDS)
        wait_until("the outage is over", lambda: story.over(OUTAGE_SECONDS), 2 * OUTAGE_SECONDS)
        assert not story.posts()
        assert not story.counted()
        assert story.registrations() == before
    story.note("the CRM is back, analytics goes on")
    orders = Counter(story.orders)
    story.until("analytics has each order", lambda: story.counted() == orders, CATCH_UP_SECONDS)
    everybody = story.everybody()
    story.until(
        "the CRM has everything", lambda: set(story.posts()) == set(everybody), CATCH_UP_SECONDS
    )
    whole.wait_delivered(CATCH_UP_SECONDS)
    story.note("every delivery is done")
    assert (story.posts(), story.counted(), story.mails()) == (everybody, orders, everybody)
    assert story.registrations() == before + PEOPLE
    assert not whole.breaches()
    print("", *(f"{at:7.1f} s  {what}" for at, what in story.told), sep="\n")


def test_a_paused_subscriber_keeps_what_comes_and_catches_up(whole: Platforms) -> None:
    """Orders complete, the broker is drained, and its process ends and starts again meanwhile;
    resumed, analytics has each order once, none as a failure."""
    why = {"reason": "it is being looked at"}
    answer = whole.http.call("POST", "/consumers/analytics/pause", why)
    assert (answer["applied"], answer["paused"]["by"]) == (True, "tests")
    began = monotonic()
    wait_until("its worker has looked", lambda: monotonic() - began > LOOKED_SECONDS)
    orders = whole.submit(20)
    assert set(whole.wait_ended(orders).values()) == {"completed"}
    wait_until("all is kept", lambda: standing(whole, "analytics")["waiting"] >= len(orders))
    before = whole.pid("analytics")
    os.kill(before, signal.SIGKILL)
    wait_until("it runs again", lambda: whole.pid("analytics") not in (0, before) and whole.ready())
    applied = "SELECT order_id::text FROM applied_orders"
    assert not {order for (order,) in whole.rows("analytics", applied)} & set(orders)
    assert not whole.breaches()
    resumed = whole.http.call("POST", "/consumers/analytics/resume", why)
    assert resumed["waiting"] >= len(orders)
    whole.wait_delivered(CATCH_UP_SECONDS)
    counted = Counter(order for (order,) in whole.rows("analytics", applied))
    assert all(counted[order] == 1 for order in orders)
    stands = standing(whole, "analytics")
    assert (stands["waiting"], stands["dead"], stands["paused"]) == (0, 0, None)
    assert not whole.breaches()


def standing(whole: Platforms, name: str) -> Any:
    """How a service stands."""
    return next(one for one in whole.http.get("/services") if one["name"] == name)
