"""Acting on services and deliveries: once however often it is clicked, and every click audited."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text

from contracts.delivery.envelope import Envelope, stored
from contracts.delivery.tables import attempts, dead_letters, pauses
from contracts.messages.catalogue import type_of
from contracts.messages.orders import OrderConfirmed
from contracts.messages.values import MessageId, OrderId, stamped
from contracts.runtime.database import Database
from contracts.runtime.settings import Settings
from deploy import acts
from orchestrator.core.sample import example_of
from orchestrator.shell import audit
from orchestrator.shell.audit import AUDIT
from tests.http.conftest import Edge
from tests.http.people import NUMBERS, Person

WHY = {"reason": "it floods us"}
CONFIRMED = type_of(OrderConfirmed)
EVENT = (
    "('01a00000-0000-8000-8000-000000000001', :e, '2026-06-01', 'orchestrator', 's', NULL, NULL, "
    "now(), '{}')"
)


@pytest.fixture
def olga(edge: Edge) -> Person:
    """An operator."""
    return Person(edge.url, "olga", "operator")


@pytest.fixture
def crm(postgres: str) -> Iterator[Database]:
    """The schema of crm, where nothing is paused and nothing is dead."""
    database = Database("crm", Settings(database_url=f"{postgres.rsplit('/', 1)[0]}/edge"))
    with database.transaction() as session:
        for table in (pauses, dead_letters, attempts):
            session.execute(delete(table))
    yield database
    database.close()


@pytest.fixture
def trail(crm: Database) -> Iterator[Database]:
    """The schema of the trail, where crm subscribed to OrderConfirmed and got none of one."""
    database = Database("trail", crm._settings)
    with database.transaction() as session:
        for table in ("subscriptions", "joined", "events", "deliveries"):
            session.execute(text(f"DELETE FROM {table}"))
        session.execute(text("INSERT INTO subscriptions VALUES (:e, 'crm')"), {"e": CONFIRMED})
        session.execute(text("INSERT INTO events VALUES " + EVENT), {"e": CONFIRMED})
    yield database
    database.close()


@pytest.fixture(autouse=True)
def chained(edge: Edge) -> Iterator[None]:
    """Whatever was done, the chain of audit rows holds."""
    yield
    assert audit.broken(rows(edge)) == []


def rows(edge: Edge, since: int = 0) -> list[dict[str, Any]]:
    """The audit rows after a number."""
    wanted = select(AUDIT).where(AUDIT.c.number > since).order_by(AUDIT.c.number)
    with edge.host.db.transaction() as session:
        return [dict(row) for row in session.execute(wanted).mappings()]


def letter(database: Database) -> str:
    """A dead letter of this service."""
    order = OrderId(stamped(datetime.now(UTC), "order", str(next(NUMBERS))))
    event = Envelope(
        id=MessageId(order),
        message=example_of(OrderConfirmed),
        source="orchestrator",
        at=datetime.now(UTC),
        subject=order,
    )
    row = {"id": order, "type": CONFIRMED, "subject": order, "attempts": 8, "reason": "boom"}
    with database.transaction() as session:
        session.execute(insert(dead_letters), {**row, "envelope": stored(event)})
    return order


def at_once(times: int, call: Callable[[], tuple[int, Any]]) -> list[tuple[int, Any]]:
    """So many answers to the same call."""
    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(lambda _: call(), range(times)))


@pytest.mark.parametrize("called", ["services", "consumers"])
def test_a_service_is_paused_once_and_resumed_once(
    edge: Edge, crm: Database, olga: Person, called: str
) -> None:
    """Of those who click at once one does it, the others are told who, and each leaves a row."""
    before = len(rows(edge))
    answers = at_once(5, lambda: olga("POST", f"/{called}/crm/pause", {**WHY, "for_seconds": 60}))
    assert sorted(status for status, _ in answers) == [200, 409, 409, 409, 409]
    assert all("olga has paused it until" in a["detail"] for s, a in answers if s == 409)
    (shown,) = [s for s in olga("GET", "/services")[1] if s["name"] == "crm"]
    assert (shown["paused"]["by"], shown["paused"]["reason"]) == ("olga", WHY["reason"])
    resumed = at_once(5, lambda: olga("POST", f"/{called}/crm/resume", WHY))
    assert sorted(status for status, _ in resumed) == [200, 409, 409, 409, 409]
    done = [(r["action"], r["about"], r["refused"]) for r in rows(edge, before)]
    assert sorted(done) == sorted(
        (action, "crm", refused)
        for action in ("pause", "resume")
        for refused in (False, *[True] * 4)
    )
    assert next(s["paused"] for s in olga("GET", "/services")[1] if s["name"] == "crm") is None


def test_a_dry_run_changes_nothing_and_leaves_no_row(
    edge: Edge, crm: Database, trail: Database, olga: Person
) -> None:
    dead, before = letter(crm), len(rows(edge))
    status, said = olga("POST", "/services/crm/pause?dry_run=true", WHY)
    assert (status, said["applied"], said["paused"]["by"]) == (200, False, "olga")
    status, said = olga("POST", f"/dead-letters/{dead}/replay?dry_run=true", WHY)
    assert (status, said["applied"], said["service"]) == (200, False, "crm")
    status, said = olga("POST", "/consumers/crm/backfill?dry_run=true", WHY)
    assert (status, said) == (200, {"subscriber": "crm", "events": 1, "applied": False})
    assert olga("POST", "/services/crm/resume?dry_run=true", WHY)[0] == 409
    with crm.transaction() as session:
        assert session.scalar(select(pauses.c.by)) is None
        assert session.scalar(select(dead_letters.c.id)) == dead
    with trail.transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM joined")) == 0
    assert len(rows(edge)) == before


def test_of_twenty_who_replay_a_dead_letter_one_does(
    edge: Edge, crm: Database, olga: Person
) -> None:
    """It is handed over once; the others learn who did it, and a row says what each wanted."""
    dead, before = letter(crm), len(rows(edge))
    answers = at_once(20, lambda: olga("POST", f"/dead-letters/{dead}/replay", WHY))
    assert sorted(status for status, _ in answers) == [200] + [409] * 19
    (done,) = [said for status, said in answers if status == 200]
    assert (done["service"], done["type"], done["applied"]) == ("crm", CONFIRMED, True)
    refused = [said for status, said in answers if status == 409]
    assert {said["type"] for said in refused} == {"/problems/moved-on"}
    assert all(said["detail"].startswith("olga replayed it at ") for said in refused)
    left = [(row["refused"], row["detail"] == "to crm") for row in rows(edge, before)]
    assert sorted(left) == [(False, True)] + [(True, False)] * 19
    with crm.transaction() as session:
        assert list(session.scalars(select(attempts.c.id))) == [dead]


def test_what_is_cut_off_after_its_audit_is_seen_not_to_be_done(
    edge: Edge, crm: Database, olga: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is there, and so is the dead letter; doing it again does it, with a second row."""
    dead, before = letter(crm), len(rows(edge))
    with monkeypatch.context() as cut:
        cut.setattr(acts, "passing", _ends)
        assert olga("POST", f"/dead-letters/{dead}/replay", WHY)[0] == 500
    assert [row["refused"] for row in rows(edge, before)] == [False]
    assert olga("POST", f"/dead-letters/{dead}/replay", WHY)[0] == 200
    assert [row["refused"] for row in rows(edge, before)] == [False, False]


def _ends(point: str) -> None:
    raise RuntimeError(f"the process ends at {point}")


def test_a_dead_letter_of_several_services_is_replayed_to_the_one_that_is_named(
    edge: Edge, crm: Database, olga: Person
) -> None:
    dead = letter(crm)
    with crm.transaction() as session:
        row = session.execute(select(dead_letters)).mappings().one()
    other = Database("email", crm._settings)
    with other.transaction() as session:
        session.execute(delete(dead_letters))
        session.execute(insert(dead_letters), dict(row))
    status, said = olga("POST", f"/dead-letters/{dead}/replay", WHY)
    assert (status, said["type"]) == (409, "/problems/several")
    assert "name one as `service`" in said["detail"]
    status, said = olga("POST", f"/dead-letters/{dead}/replay", {"service": "email"})
    assert (status, said["service"]) == (200, "email")
    (left,) = olga("GET", f"/dead-letters?subject={dead}")[1]["dead_letters"]
    assert (left["service"], left["replayable"]) == ("crm", True)
    assert olga("GET", f"/dead-letters?subject={dead}&service=email")[1] == {"dead_letters": []}
    assert olga("GET", "/dead-letters?service=crm&type=OrderConfirmed")[1]["dead_letters"]
    assert olga("GET", "/dead-letters?service=crm&type=Other")[1] == {"dead_letters": []}
    other.close()


def test_many_dead_letters_are_replayed_each_by_itself(
    edge: Edge, crm: Database, olga: Person
) -> None:
    """In their order, each with what came of it and its own row; a dry run leaves all as it was."""
    dead, before = [letter(crm), letter(crm)], len(rows(edge))
    missing = stamped(datetime.now(UTC), "nothing")
    wanted = [{"id": dead[0]}, {"id": missing}, {"id": dead[1], "service": "crm"}]
    body = {**WHY, "letters": wanted}
    told = olga.lines("POST", "/dead-letters:replay", {**body, "dry_run": True})
    assert [one["ok"] for one in told] == [True, False, True]
    assert len(rows(edge)) == before
    told = olga.lines("POST", "/dead-letters:replay", body)
    assert [one["id"] for one in told] == [one["id"] for one in wanted]
    assert [one.get("applied") for one in told] == [True, None, True]
    assert told[1]["problem"]["status"] == 404
    assert sorted(row["about"] for row in rows(edge, before)) == sorted(dead)
    told = olga.lines("POST", "/dead-letters:replay", body)
    assert [one["problem"]["status"] for one in told] == [409, 404, 409]
    assert olga("POST", "/dead-letters:replay", {**WHY, "letters": []})[0] == 422


def test_what_nobody_can_read_or_find_is_not_replayed(
    edge: Edge, crm: Database, olga: Person
) -> None:
    raw = stamped(datetime.now(UTC), "garbage", str(next(NUMBERS)))
    row = {"id": raw, "type": "", "subject": "", "attempts": 1, "reason": "no JSON", "raw": "{"}
    with crm.transaction() as session:
        session.execute(insert(dead_letters), row)
    status, said = olga("POST", f"/dead-letters/{raw}/replay")
    assert (status, said["type"]) == (409, "/problems/not-now")
    assert rows(edge)[-1]["refused"]
    missing = stamped(datetime.now(UTC), "nothing")
    assert olga("POST", f"/dead-letters/{missing}/replay")[0] == 404


def test_what_a_subscriber_never_got_is_back_filled(
    edge: Edge, trail: Database, olga: Person
) -> None:
    """Its pair with the type is opened for the trail to fill; what it did not subscribe to is
    refused, and so is who is nobody."""
    body = {**WHY, "event": "OrderConfirmed", "since": "2026-01-01T00:00:00Z"}
    status, said = olga("POST", "/consumers/crm/backfill", body)
    assert (status, said) == (200, {"subscriber": "crm", "events": 1, "applied": True})
    with trail.transaction() as session:
        assert session.execute(text("SELECT event, subscriber, filled FROM joined")).all() == [
            (CONFIRMED, "crm", False)
        ]
    wrong = {**WHY, "event": "UserErased"}
    status, said = olga("POST", "/consumers/crm/backfill", wrong)
    assert (status, said["detail"]) == (409, "crm does not subscribe to UserErased.")
    assert olga("POST", "/consumers/nobody/backfill", WHY)[0] == 404
    last = rows(edge)[-2:]
    assert [(r["action"], r["about"], r["refused"]) for r in last] == [
        ("backfill", "crm", False),
        ("backfill", "crm", True),
    ]


def test_services_are_told_as_they_are_declared_and_as_they_stand(
    crm: Database, olga: Person
) -> None:
    letter(crm)
    told = {one["name"]: one for one in olga("GET", "/services")[1]}
    crm_now, payments = told["crm"], told["payments"]
    assert CONFIRMED in crm_now["subscribes"]
    assert crm_now["handles"] == []
    assert (crm_now["kind"], crm_now["dead"], crm_now["waiting"]) == ("side_effect", 1, 0)
    assert "money_entries" in payments["tables"]
    assert "concerto.AuthorizePayment.v1" in payments["handles"]
    assert payments["retries"]["then"] == "dead letter"
    assert told["orchestrator"]["kind"] == "orchestrator"


def test_only_operators_act(edge: Edge, crm: Database) -> None:
    sam = Person(edge.url, "sam", "support")
    assert sam("GET", "/services")[0] == 200
    for path in ("services/crm/pause", "consumers/crm/resume", "consumers/crm/backfill"):
        assert sam("POST", f"/{path}", WHY)[0] == 403
    olga = Person(edge.url, "olga", "operator")
    assert olga("POST", "/services/nobody/pause", WHY)[0] == 404
    assert olga("POST", "/services/crm/pause", {})[0] == 422
