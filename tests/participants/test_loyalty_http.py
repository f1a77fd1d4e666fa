"""A customer sees its own points alone, and what support gives is given once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from contracts.runtime.settings import settings
from contracts.runtime.tokens import mint
from participants.loyalty import http
from tests.edge import client_of
from tests.participants.bench import Bench, new_order
from tests.participants.members import balance, entries, loyalty_desk, member, redeem, stranger


@pytest.fixture
def desk(postgres: str) -> Iterator[Bench]:
    """Loyalty at work."""
    with loyalty_desk(postgres) as at_work:
        yield at_work


@pytest.fixture
def edge(desk: Bench, signed: None) -> Iterator[TestClient]:
    """Its routes."""
    with client_of(http.routes(desk.host.db)) as client:
        yield client


def called(role: str, subject: str = "somebody", key: str = "k") -> dict[str, str]:
    """The headers of a caller."""
    token = mint(settings(), role, subject)
    return {"Authorization": f"Bearer {token}", "Idempotency-Key": key}


def test_a_customer_sees_its_own_account_alone(edge: TestClient, desk: Bench) -> None:
    """A foreign account looks like one that is not there."""
    customer, order = member(desk, 50), new_order()
    desk.ask(redeem(order, customer, 20))
    shown = edge.get(f"/loyalty/{customer}", headers=called("customer", customer)).json()
    assert (shown["balance"], shown["redeemed"], shown["adjusted"]) == (30, 20, 50)
    latest, first = shown["entries"]
    assert (latest["operation"], latest["points"], latest["order_id"]) == ("redeem", -20, order)
    assert (first["operation"], first["reason"]) == ("adjust", "welcome")
    foreign = edge.get(f"/loyalty/{customer}", headers=called("customer", "else"))
    nobody = edge.get(f"/loyalty/{stranger()}", headers=called("support"))
    assert (foreign.status_code, foreign.json()) == (404, nobody.json())


def test_each_route_takes_its_roles(edge: TestClient, desk: Bench) -> None:
    """A shop and support look, support and operators give; nobody does without a token."""
    path = f"/loyalty/{member(desk, 1)}"
    roles = ("shop", "support", "operator", "risk", "service")
    looks = [edge.get(path, headers=called(role)).status_code for role in roles]
    assert looks == [200, 200, 200, 403, 403]
    body = {"points": 1, "reason": "sorry"}
    roles = ("shop", "customer", "support", "operator", "risk")
    gives = [
        edge.post(f"{path}/adjust", json=body, headers=called(role, key=role)).status_code
        for role in roles
    ]
    assert gives == [403, 403, 200, 200, 403]
    assert edge.get(path).status_code == 401


def test_an_adjustment_is_made_once_under_its_key(edge: TestClient, desk: Bench) -> None:
    """Sent eight times at once: one entry and one answer; the key means nothing else."""
    path, headers = (
        f"/loyalty/{(customer := stranger())}/adjust",
        called("support", key=new_order()),
    )
    body = {"points": 40, "reason": "sorry"}
    with ThreadPoolExecutor(8) as workers:
        sent = [workers.submit(edge.post, path, json=body, headers=headers) for _ in range(8)]
    answers = [future.result() for future in sent]
    answer = {"customer_id": customer, **body, "balance": 40}
    assert [(one.status_code, one.json()) for one in answers] == [(200, answer)] * 8
    assert entries(desk, customer) == [("adjust", 40)]
    other = edge.post(path, json={**body, "points": 41}, headers=headers)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/key-reused")


def test_no_more_is_taken_by_hand_than_there_is(edge: TestClient, desk: Bench) -> None:
    """Refused with how many there are; the key is free for what can be done."""
    customer, headers = member(desk, 30), called("operator", key=new_order())
    path = f"/loyalty/{customer}/adjust"
    much = edge.post(path, json={"points": -31, "reason": "mistake"}, headers=headers)
    assert (much.status_code, much.json()["detail"]) == (409, "30 points are there.")
    less = edge.post(path, json={"points": -30, "reason": "mistake"}, headers=headers)
    assert (less.status_code, balance(desk, customer)) == (200, 0)


@pytest.mark.parametrize(
    ("customer", "body"),
    [
        ("customer", {"points": 0, "reason": "why"}),
        ("customer", {"points": 5}),
        ("customer", {"points": 10**18, "reason": "why"}),
        ("guest-1", {"points": 5, "reason": "why"}),
    ],
)
def test_what_makes_no_sense_is_refused(
    edge: TestClient, customer: str, body: dict[str, Any]
) -> None:
    """No points, no reason, too many, or nobody to give them to."""
    refused = edge.post(f"/loyalty/{customer}/adjust", json=body, headers=called("support"))
    assert refused.status_code == 422


def test_many_gifts_are_given_once_each_and_all_or_none(edge: TestClient, desk: Bench) -> None:
    """Two to one customer, sent again with one more; a guest or a used key spoils them all."""
    ann, bob, mark = member(desk, 10), stranger(), f"g{new_order()}"

    def given(*gifts: tuple[int, str, int]) -> Any:
        rows = [
            {"key": f"{mark}-{n}", "customer_id": who, "points": points, "reason": "thanks"}
            for n, who, points in gifts
        ]
        return edge.post("/loyalty:batch", json={"gifts": rows}, headers=called("support"))

    first = given((1, ann, 5), (2, bob, 7), (3, ann, 1))
    assert [gift["balance"] for gift in first.json()["gifts"]] == [15, 7, 16]
    again = given((1, ann, 5), (2, bob, 7), (3, ann, 1), (4, bob, 1))
    assert [gift["balance"] for gift in again.json()["gifts"]] == [15, 7, 16, 8]
    for spoiled in ((5, f"guest-{mark}", 1), (1, ann, 6), (1, bob, 5)):
        assert given((6, ann, 100), spoiled).status_code == 422
    assert given((7, ann, 1), (7, ann, 1)).status_code == 422
    assert given((8, ann, -1)).status_code == 422
    assert (balance(desk, ann), balance(desk, bob)) == (16, 8)
    assert (
        edge.post("/loyalty:batch", json={"gifts": []}, headers=called("shop")).status_code == 403
    )
