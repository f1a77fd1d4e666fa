"""A review is claimed by one, passed on, and decided once; who did what is written down."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from contracts.messages.returns import ReturnExpected
from orchestrator.shell import audit
from orchestrator.shell.audit import AUDIT
from tests.http.conftest import Edge
from tests.http.people import Person, Returned

WHY = "it is urgent"


@pytest.fixture
def review(edge: Edge) -> str:
    """Support is asked whether the goods came back in order."""
    return arriving(edge).review()


@pytest.fixture
def person(edge: Edge) -> Callable[..., Person]:
    """Somebody before the API, in support unless told."""
    return lambda subject, role="support": Person(edge.url, subject, role)


@pytest.fixture(autouse=True)
def chained(edge: Edge) -> Iterator[None]:
    """Whatever was done, the chain of audit rows holds."""
    yield
    assert audit.broken(rows(edge)) == []


def arriving(edge: Edge) -> Returned:
    """A return whose goods are to come."""
    sent_back = Returned.begun(edge.host)
    sent_back.answered("register return", ReturnExpected)
    return sent_back


def rows(edge: Edge) -> list[dict[str, Any]]:
    """Every audit row."""
    with edge.host.db.transaction() as session:
        return [dict(r) for r in session.execute(select(AUDIT).order_by("number")).mappings()]


def done(edge: Edge, review: str) -> list[tuple[str, str, str, str]]:
    """Who did what about the review, and why."""
    mine = [row for row in rows(edge) if row["about"] == review]
    return [(row["by"], row["action"], row["detail"], row["reason"]) for row in mine]


def listed(who: Person, query: str = "") -> dict[str, Any]:
    """The reviews that are listed, by id."""
    status, said = who("GET", f"/reviews{query}")
    assert status == 200
    return {one["id"]: one for one in said["reviews"]}


def test_one_of_twenty_who_claim_at_once_wins(
    edge: Edge, review: str, person: Callable[..., Person]
) -> None:
    """The others are told who it is; one row says so; the list shows it."""
    with ThreadPoolExecutor(20) as pool:
        people = [person(f"sam-{number}") for number in range(20)]
        answers = list(pool.map(lambda who: who.about(review, "claim"), people))
    assert sorted(status for status, _ in answers) == [200] + [409] * 19
    (winner,) = (said["claimed_by"] for status, said in answers if status == 200)
    refused = [said for status, said in answers if status == 409]
    assert {(said["type"], said["claimed_by"]) for said in refused} == {
        ("/problems/claimed", winner)
    }
    assert all(winner in said["detail"] and said["claimed_at"] for said in refused)
    assert done(edge, review) == [(winner, "claim", "", "")]
    assert listed(people[0])[review]["claimed_by"] == winner


def test_who_clicks_twenty_times_claims_once(
    edge: Edge, review: str, person: Callable[..., Person]
) -> None:
    """Every answer is the same, and there is one row."""
    sam = person("sam")
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: sam.about(review, "claim"), range(20)))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0] == 200
    assert len(done(edge, review)) == 1
    _, told = sam("GET", f"/sagas/{answers[0][1]['saga_id']}/why")
    assert any(line.startswith("sam has worked on it for ") for line in told["lines"])


def test_a_claim_is_taken_over_with_a_reason_and_released(
    edge: Edge, review: str, person: Callable[..., Person]
) -> None:
    """Without a reason it is refused; who lost it can neither release nor decide it."""
    sam, tom = person("sam"), person("tom")
    sam.about(review, "claim")
    assert tom.about(review, "claim", take_over=True)[0] == 422
    assert tom.about(review, "claim", take_over=True, reason=WHY)[1]["claimed_by"] == "tom"
    assert sam.about(review, "release")[0] == 409
    assert sam.decides(review, "continue")[1]["type"] == "/problems/claimed"
    for _ in range(2):
        assert tom.about(review, "release")[1]["claimed_by"] is None
    assert sam.decides(review, "continue")[0] == 200
    assert done(edge, review) == [
        ("sam", "claim", "", ""),
        ("tom", "take over", "from sam", WHY),
        ("tom", "release", "", ""),
        ("sam", "decide", "continue", "so it is"),
    ]


def test_a_review_is_given_to_another_role(
    edge: Edge, review: str, person: Callable[..., Person]
) -> None:
    """Whoever had it may decide it no more; the new role may; twice asked is once done."""
    sam, rita = person("sam"), person("rita", "risk")
    sam.about(review, "claim")
    assert rita.about(review, "claim")[0] == 403
    status, said = sam.about(review, "reassign", to_role="risk", reason=WHY)
    assert (status, said["owner"], said["claimed_by"]) == (200, "risk", None)
    assert sam.about(review, "reassign", to_role="risk", reason=WHY)[0] == 403
    assert rita.about(review, "reassign", to_role="risk", reason=WHY)[0] == 200
    assert sam.decides(review, "continue")[0] == 403
    _, saga = rita("GET", f"/sagas/{said['saga_id']}")
    assert saga["review"]["owner"] == "risk"
    _, told = rita("GET", f"/sagas/{said['saga_id']}/journal")
    assert told["journal"][-1]["notes"] == [f"sam gave it to risk: {WHY}"]
    assert rita.decides(review, "continue")[0] == 200
    assert [each[:3] for each in done(edge, review)] == [
        ("sam", "claim", ""),
        ("sam", "reassign", "to risk"),
        ("rita", "decide", "continue"),
    ]


def test_a_review_is_given_to_a_person(
    edge: Edge, review: str, person: Callable[..., Person]
) -> None:
    """It is theirs, and they did not have to ask."""
    sam, tom = person("sam"), person("tom")
    for _ in range(2):
        assert sam.about(review, "reassign", to_person="tom", reason=WHY)[1]["claimed_by"] == "tom"
    assert sam.decides(review, "continue")[0] == 409
    assert tom.decides(review, "undo")[0] == 200
    assert [each[:3] for each in done(edge, review)] == [
        ("sam", "reassign", "to tom"),
        ("tom", "decide", "undo"),
    ]


@pytest.mark.parametrize(
    "to",
    [
        {},
        {"to_role": "customer"},
        {"to_role": "king"},
        {"to_role": "risk", "to_person": "tom"},
        {"to_person": ""},
        {"to_person": "to\nm"},
    ],
)
def test_a_review_is_given_only_to_those_there_are(
    edge: Edge, review: str, person: Callable[..., Person], to: dict[str, str]
) -> None:
    """Nobody, a role that decides nothing, one that is none, two at once: nothing is done."""
    assert person("sam").about(review, "reassign", reason=WHY, **to)[0] == 422
    assert done(edge, review) == []


def test_what_is_decided_or_unknown_is_not_worked_on(
    edge: Edge, review: str, person: Callable[..., Person]
) -> None:
    """409 and 404, whatever is asked; a second decision changes nothing."""
    sam = person("sam")
    assert sam.decides(review, "continue")[0] == 200
    asked = {"claim": {}, "release": {}, "reassign": {"to_person": "tom", "reason": WHY}}
    for what, body in asked.items():
        assert sam.about(review, what, **body)[1]["type"] == "/problems/moved-on"
        assert sam.about("nobody-asks", what, **body)[0] == 404
    assert sam.decides(review, "undo")[0] == 409
    assert len(done(edge, review)) == 1


def test_reviews_are_found_by_who_has_them(edge: Edge, person: Callable[..., Person]) -> None:
    """Mine, those nobody has, those of a role; page by page the list is the same."""
    mine, free, theirs = (arriving(edge).review() for _ in range(3))
    una = person("una")
    una.about(mine, "claim")
    una.about(theirs, "reassign", to_role="risk", reason=WHY)
    assert set(listed(una, "?mine=true")) == {mine}
    unclaimed = listed(una, "?unclaimed=true")
    assert {free, theirs} <= set(unclaimed)
    assert mine not in unclaimed
    assert theirs in listed(una, "?role=risk")
    assert not {mine, free} & set(listed(una, "?role=risk"))
    assert una("GET", "/reviews?role=king")[0] == 422
    paged, cursor = [], ""
    while cursor is not None:
        _, page = una("GET", f"/reviews?limit=2&cursor={cursor}")
        paged += [one["id"] for one in page["reviews"]]
        cursor = page["next"]
    assert paged == list(listed(una))
    shown = listed(una)[free]
    assert (shown["then"], shown["owner"], shown["not_by"]) == ("undo", "support", [])
    assert shown["since"] < shown["until"]


def test_the_audit_shows_what_was_done_and_what_was_changed_since(
    edge: Edge, review: str, person: Callable[..., Person]
) -> None:
    """Operators read it, newest first; a row that is changed or missing breaks the chain."""
    person("sam").about(review, "claim")
    person("tom").about(review, "claim", take_over=True, reason=WHY)
    olga = person("olga", "operator")
    _, said = olga("GET", "/audit?limit=2")
    assert [(row["by"], row["action"]) for row in said["audit"]] == [
        ("tom", "take over"),
        ("sam", "claim"),
    ]
    _, more = olga("GET", f"/audit?limit=1&before={said['audit'][0]['number']}")
    assert more["audit"] == said["audit"][1:]
    assert person("sam")("GET", "/audit")[0] == 403
    every = rows(edge)
    changed = [*every[:-2], {**every[-2], "by": "nobody"}, every[-1]]
    assert audit.broken(changed) == [every[-2]["number"]]
    assert audit.broken([*every[:-2], every[-1]]) == [every[-1]["number"]]
