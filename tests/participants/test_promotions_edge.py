"""What the HTTP edge says about codes: what one takes off, and how a shop sets it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from participants.promotions.handlers import promotions
from participants.promotions.http import routes
from participants.promotions.quote import Discount, Refused, Wanted, quote
from tests.counting import statements
from tests.edge import bearer, client_of
from tests.participants.bench import Bench, bench, migrated
from tests.participants.codes import HOUR, apply, offered, uses

TEN_PERCENT = {"share": 1000, "valid_from": "2026-01-01T00:00:00Z"}


@pytest.fixture
def desk(postgres: str) -> Iterator[Bench]:
    """Promotions at work."""
    with bench(promotions, migrated(postgres)) as at_work:
        yield at_work


@pytest.fixture
def http(desk: Bench, signed: None) -> Iterator[TestClient]:
    """The routes of promotions, called by a shop."""
    with client_of(routes(desk.host.db), headers={"Authorization": bearer("shop")}) as client:
        yield client


def test_a_quote_says_what_each_code_takes_off(desk: Bench) -> None:
    """A share is rounded half up, an amount is within the goods; the answers come in order."""
    share, five = offered(desk, share=1250), offered(desk, share=None, amount=500, currency="GBP")
    wanted = [
        *(Wanted(share.lower(), goods, "EUR") for goods in (0, 3, 4, 12, 1999)),
        *(Wanted(five, goods, "GBP") for goods in (1999, 500, 499)),
        Wanted(offered(desk, share=10_000), 333, "JPY"),
    ]
    answers = quote(desk.host.db, wanted)
    assert all(isinstance(answer, Discount) for answer in answers)
    assert [answer.amount for answer in answers if isinstance(answer, Discount)] == [
        *(0, 0, 1, 2, 250),
        *(500, 500, 499),
        333,
    ]
    assert answers[0] == Discount(share, 0)


def test_a_quote_refuses_in_words_for_the_customer(desk: Bench) -> None:
    """Each reason; its neighbours are not concerned."""
    pounds = offered(desk, share=None, amount=500, currency="GBP", least_goods=2000)
    ended = datetime(2026, 1, 1, tzinfo=UTC)
    over = offered(desk, valid_from=ended - HOUR, valid_until=ended)
    wanted = [
        Wanted("no such\x00code", 100, "GBP"),
        Wanted(offered(desk, enabled=False), 100, "GBP"),
        Wanted(over, 100, "GBP"),
        Wanted(pounds, 5000, "EUR"),
        Wanted(pounds, 1999, "GBP"),
        Wanted(pounds, 2000, "GBP"),
    ]
    reasons = [
        "there is no such code",
        "the code is not in use",
        "the code was valid until 2026-01-01 00:00 UTC",
        "the code is for orders in GBP",
        "the code is for goods of at least 20.00 GBP",
    ]
    refused = [Refused(each.code, reason) for each, reason in zip(wanted, reasons, strict=False)]
    assert quote(desk.host.db, wanted) == [*refused, Discount(pounds, 500)]


def test_a_quote_is_one_query_and_takes_no_use(desk: Bench) -> None:
    """However many codes are asked for; for none there is no query."""
    codes = [offered(desk, most_uses=1) for _ in range(5)]
    wanted = [Wanted(code, 100, "GBP") for code in codes * 2]
    engine = desk.host.db.engine
    assert len(statements(engine, lambda: quote(desk.host.db, wanted), "promotions")) == 1
    assert statements(engine, lambda: quote(desk.host.db, [])) == []
    assert uses(desk, codes[0]) == (0, 0, 0)


def test_a_shop_sets_a_code_and_looks_at_it(http: TestClient, desk: Bench) -> None:
    """What is not given has no limit; case does not matter; uses are counted."""
    answer = http.put("/promotions/spring-26", json=TEN_PERCENT)
    assert answer.status_code == 200
    assert answer.json() == TEN_PERCENT | {
        "code": "SPRING-26",
        "amount": None,
        "currency": None,
        "valid_until": None,
        "most_uses": None,
        "most_uses_per_customer": None,
        "least_goods": 0,
        "enabled": True,
        "uses": 0,
    }
    desk.ask(apply("Spring-26"))
    assert http.get("/promotions/SPRING-26").json() == answer.json() | {"uses": 1}
    assert http.get("/promotions/autumn-26").status_code == 404


def test_setting_a_code_again_keeps_how_often_it_is_used(http: TestClient, desk: Bench) -> None:
    """A share becomes an amount; who has the code keeps it."""
    code = offered(desk)
    desk.ask(apply(code))
    five = {"amount": 500, "currency": "GBP", "valid_from": "2026-01-01T02:00:00+02:00"}
    changed = http.put(f"/promotions/{code}", json=five | {"most_uses": 1}).json()
    assert (changed["share"], changed["amount"], changed["currency"]) == (None, 500, "GBP")
    assert changed["valid_from"] == TEN_PERCENT["valid_from"]
    assert changed["uses"] == 1


def test_a_limit_below_the_uses_is_refused(http: TestClient, desk: Bench) -> None:
    """409 says how often it is used, and nothing has changed."""
    code = offered(desk)
    for _ in range(2):
        desk.ask(apply(code))
    refused = http.put(f"/promotions/{code}", json=TEN_PERCENT | {"most_uses": 1, "share": 1})
    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/used-more-often"
    assert refused.json()["detail"] == "It is used 2 times; most_uses cannot be less."
    assert http.get(f"/promotions/{code}").json()["share"] == 1000
    assert http.put(f"/promotions/{code}", json=TEN_PERCENT | {"most_uses": 2}).status_code == 200
    assert uses(desk, code) == (2, 2, 2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"share": None}, "give either share, in basis points, or amount, in minor units"),
        ({"amount": 5, "currency": "GBP"}, "give either share"),
        ({"currency": "GBP"}, "an amount is in a currency, and a share is in none"),
        ({"share": None, "amount": 5}, "an amount is in a currency"),
        ({"share": 10_001}, "less than or equal to 10000"),
        ({"share": 0}, "greater than or equal to 1"),
        ({"valid_until": "2026-01-01T00:00:00Z"}, "valid_until must be later than valid_from"),
        ({"valid_from": "2026-01-01T00:00:00"}, "timezone"),
        ({"valid_from": "0001-01-01T00:00:00+14:00"}, "greater than or equal to 1970"),
        ({"most_uses": 0}, "greater than or equal to 1"),
        ({"least_goods": -1}, "greater than or equal to 0"),
        ({"uses": 5}, "Extra inputs are not permitted"),
    ],
)
def test_a_promotion_that_makes_no_sense_is_refused(
    http: TestClient, change: dict[str, Any], said: str
) -> None:
    """422 says what is wrong with it."""
    refused = http.put("/promotions/NONSENSE", json=TEN_PERCENT | change)
    assert refused.status_code == 422
    assert said in refused.json()["errors"][0]["what"]
    assert http.get("/promotions/NONSENSE").status_code == 404


@pytest.mark.parametrize("code", ["a%20b", "%C3%A4", "X" * 65])
def test_what_nobody_can_type_is_no_code(http: TestClient, code: str) -> None:
    """Letters, digits, dash and underscore, 64 at most."""
    assert http.put(f"/promotions/{code}", json=TEN_PERCENT).status_code == 422


def test_codes_are_listed_by_cursor(http: TestClient, desk: Bench) -> None:
    """Each once, in their order, with how often it is used."""
    made = sorted(offered(desk, code=f"LIST-{number}", uses=number) for number in range(5))
    first = http.get("/promotions", params={"cursor": "LIST-", "limit": 3}).json()
    assert first["next"] == "LIST-2"
    then = http.get("/promotions", params={"cursor": first["next"], "limit": 3}).json()
    found = [*first["promotions"], *then["promotions"]][:5]
    assert [each["code"] for each in found] == made
    assert [each["uses"] for each in found] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("role", "reads", "sets"),
    [
        ("shop", 200, 200),
        ("operator", 200, 200),
        ("admin", 200, 200),
        ("support", 200, 403),
        ("risk", 403, 403),
        ("customer", 403, 403),
        ("service", 403, 403),
    ],
)
def test_shops_and_operators_set_codes_and_support_may_look(
    http: TestClient, desk: Bench, role: str, reads: int, sets: int
) -> None:
    """A customer sees no list of codes."""
    path, who = f"/promotions/{offered(desk)}", {"Authorization": bearer(role)}
    assert http.get(path, headers=who).status_code == reads
    assert http.get("/promotions", headers=who).status_code == reads
    assert http.put(path, json=TEN_PERCENT, headers=who).status_code == sets


def test_nobody_without_a_token_sees_a_code(http: TestClient, desk: Bench) -> None:
    """401, as everywhere."""
    code = offered(desk)
    del http.headers["Authorization"]
    assert http.get(f"/promotions/{code}").status_code == 401
    assert http.put(f"/promotions/{code}", json=TEN_PERCENT).status_code == 401
