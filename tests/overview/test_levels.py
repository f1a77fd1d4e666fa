"""What `/metrics`, `/now` and `/services` say of the same rows is the same."""

from collections.abc import Iterator, Mapping

import pytest

from contracts.messages.values import saga_id_of
from contracts.runtime.settings import settings
from deploy.everywhere import Everywhere
from deploy.monitoring.standing import Standing
from tests.overview.conftest import Platform

UNDER_WAY = ("running", "undoing")
DELIVERY = """
INSERT INTO dead_letters (id, type, subject, attempts, reason)
VALUES (gen_random_uuid(), '', '', 1, 'broken');
INSERT INTO attempts (id, count, at, due_at, error, envelope)
VALUES (gen_random_uuid(), 1, now() - interval '1 h', now() + interval '1 day', 'broken', '{}'),
       (gen_random_uuid(), 0, now(), now() + interval '1 day', NULL, '{}');
INSERT INTO outbox (id, at, envelope, sent_at, due_at)
VALUES (gen_random_uuid(), now() - interval '1 h', '{}', NULL, now() + interval '1 day'),
       (gen_random_uuid(), now() - interval '2 h', '{}', now(), now() + interval '1 day');
INSERT INTO intents (id, kind, body, state, attempts, due_at)
VALUES (gen_random_uuid(), 'Post', '{}', 'pending', 0, now() + interval '1 day'),
       (gen_random_uuid(), 'Post', '{}', 'pending', 2, now() + interval '1 day'),
       (gen_random_uuid(), 'Post', '{}', 'done', 2, now());
INSERT INTO pauses (one, by, at, until, reason)
VALUES (true, 'ann', now(), now() + interval '1 h', 'a fault')
"""
DELIVERIES = """
INSERT INTO deliveries (event_id, subscriber, state, attempts, reason, changed_at, asked)
SELECT gen_random_uuid(), 'email', state, 1, '', now() - interval '3 h', 0
FROM unnest(ARRAY['pending', 'retrying', 'retrying', 'dead', 'handled']) AS state
"""
TRIED = """
UPDATE sagas SET retrying = true, state = replace(state::text, :once, :twice)::json
WHERE id = :saga
"""
WOKEN = "UPDATE sagas SET wake_at = now() - make_interval(secs => :late) WHERE id = :saga"


class Both:
    """The platform as `/metrics` tells of it, beside `/now`."""

    def __init__(self, platform: Platform) -> None:
        self.now = platform.get("/now")
        everywhere = Everywhere({name: host.db for name, host in platform.memory.hosts.items()})
        found = [sample for family in Standing(everywhere).collect() for sample in family.samples]
        self._samples = found

    def of(self, gauge: str, **labels: str) -> float:
        """The sum of a gauge over the series that have these labels."""
        return sum(self._each(gauge, **labels))

    def oldest(self, gauge: str, **labels: str) -> float:
        """The highest of them."""
        return max(self._each(gauge, **labels), default=0.0)

    def _each(self, gauge: str, **labels: str) -> Iterator[float]:
        for name, said, value, *_ in self._samples:
            if name == f"concerto_{gauge}" and labels.items() <= said.items():
                yield value


@pytest.fixture(scope="module")
def staged(platform: Platform) -> Mapping[str, str]:
    """Something of everything: sagas that wait to begin, are paused, tried again, asked about and
    forgotten; what waits in a service; what a subscriber has not handled. The sagas, by name."""
    prices = {"review": 1_000_001, "undecided": 1_000_001}
    names = ("review", "undecided", "asleep", "paused", "retrying", "accepted")
    sagas = {name: saga_id_of(platform.order(prices.get(name, 1999))) for name in names}
    changes = {
        "undecided": "UPDATE reviews SET until = now() - interval '1 h' WHERE saga_id = :saga",
        "retrying": TRIED,
        "paused": "UPDATE sagas SET paused = true WHERE id = :saga",
        "accepted": "UPDATE sagas SET status = 'accepted' WHERE id = :saga",
    }
    sends = {"once": '"sends":1', "twice": '"sends":2'}
    for name, change in changes.items():
        platform.rows("orchestrator", change, saga=sagas[name], **sends)
    for name in ("review", "undecided", "asleep"):
        platform.rows("orchestrator", WOKEN, saga=sagas[name], late=3600)
    for statement in DELIVERY.split(";"):
        platform.rows("crm", statement)
    platform.rows("trail", DELIVERIES)
    return sagas


def test_sagas_and_questions_are_the_same(platform: Platform, staged: Mapping[str, str]) -> None:
    """Each count of `/now` is the sum of its metric; who is overdue is told once."""
    both = Both(platform)
    sagas, people, room = (both.now[part] for part in ("sagas", "attention", "saturation"))
    told = {row["status"]: 0 for row in sagas["by_step"]}
    for row in sagas["by_step"]:
        told[row["status"]] += row["count"]
        labels = {name: row[name] for name in ("saga", "step", "status")}
        assert both.of("sagas_open", **labels) == row["count"]
    assert told == {"running": 3, "review": 2}
    assert sagas["in_flight"] == sum(both.of("sagas_open", status=each) for each in UNDER_WAY) == 3
    assert sagas["in_review"] == both.of("sagas_open", status="review") == 2
    assert sagas["overdue"] == both.of("sagas_overdue") + both.of("reviews_past") == 3
    assert both.of("reviews_past") == 1
    for name in ("accepted", "paused", "retrying"):
        assert sagas[name] == both.of(f"sagas_{name}") == 1, name
    assert both.of("sagas_retrying", step="start shipping", service="shipping") == 1
    assert [one["id"] for one in platform.get("/sagas?retrying=true")["sagas"]] == [
        staged["retrying"]
    ]
    assert room["limit"] == both.of("sagas_limit")
    for name in ("open", "unclaimed", "near"):
        assert people[name] == both.of(f"reviews_{name}") > 0, name
    assert people["by_role"] == {"risk": both.of("reviews_open", owner="risk")}


def test_what_services_have_to_do_is_the_same(
    platform: Platform, staged: Mapping[str, str]
) -> None:
    """An event that was sent and that the trail has not confirmed is not one that has not left;
    what is only kept during a pause did not fail."""
    both = Both(platform)
    now = both.now
    assert now["dead_letters"] == both.of("dead_letters") == 1
    assert now["put_aside"] == both.of("put_aside") == 1
    assert now["unsent_events"] == both.of("events_unsent", service="crm") == 1
    assert now["failing"] == {"crm": both.of("intents_failing")} == {"crm": 1}
    assert both.of("service_paused", service="crm") == both.of("service_paused") == 1
    assert [row["subscriber"] for row in now["consumers"] if row["paused"]] == ["crm"]
    services = platform.get("/services")
    assert sum(one["dead"] for one in services) == now["dead_letters"]
    for one in services:
        assert one["intents"] == both.of("intents_pending", service=one["name"])
    (crm,) = (one for one in services if one["name"] == "crm")
    assert (crm["waiting"], crm["paused"]["by"]) == (2, "ann")
    hour = 3600
    for gauge in ("events_oldest_seconds", "put_aside_oldest_seconds"):
        assert hour <= both.oldest(gauge) < hour + 600, gauge


def test_what_subscribers_have_not_handled_is_the_same(
    platform: Platform, staged: Mapping[str, str]
) -> None:
    """By subscriber: what is pending or retrying, what is dead, and the oldest."""
    both = Both(platform)
    consumers = {row["subscriber"]: row for row in both.now["consumers"]}
    for name, row in consumers.items():
        depth = [both.of("deliveries_open", subscriber=name, state=s) for s in ("pending", "dead")]
        retrying = both.of("deliveries_open", subscriber=name, state="retrying")
        assert (row["depth"], row["dead"]) == (depth[0] + retrying, depth[1]), name
        assert bool(row["oldest_open"]) == bool(row["depth"])
    assert consumers["email"]["dead"] == 1
    assert both.of("deliveries_oldest_seconds", subscriber="email") >= 3 * 3600


def test_the_grace_is_in_the_time_of_the_deployment(
    platform: Platform, staged: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where time runs six times as slowly, half a minute is not yet late for either."""
    platform.rows("orchestrator", WOKEN, saga=staged["asleep"], late=30)
    for scale, overdue in (("1", 2), ("6", 1)):
        monkeypatch.setenv("CONCERTO_TIME_SCALE", scale)
        settings.cache_clear()
        both = Both(platform)
        past = both.of("reviews_past")
        assert both.now["sagas"]["overdue"] - past == both.of("sagas_overdue") == overdue
    monkeypatch.undo()
    settings.cache_clear()
    platform.rows("orchestrator", WOKEN, saga=staged["asleep"], late=3600)
