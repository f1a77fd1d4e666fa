"""Fraud judges every order once, by rules that people change, and counts every order before it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from contracts.messages.fraud import CheckFraud, FraudCheckFailed, FraudCheckPassed, FraudSuspected
from contracts.messages.values import CustomerId, Money, OrderId
from participants.fraud.handlers import fraud
from participants.fraud.http import routes
from tests.edge import bearer, client_of
from tests.participants.bench import Bench, bench, migrated, new_order

HOURLY = 20


@pytest.fixture
def desk(postgres: str) -> Iterator[Bench]:
    """Fraud at work."""
    with bench(fraud, migrated(postgres)) as at_work:
        yield at_work


@pytest.fixture
def http(desk: Bench, signed: None) -> Iterator[TestClient]:
    """Its routes, called by somebody in the role risk."""
    with client_of(routes(desk.host.db), headers=headers("risk")) as client:
        yield client


def headers(role: str) -> dict[str, str]:
    """A caller in this role."""
    return {"Authorization": bearer(role)}


def check(order: OrderId | None = None, **more: Any) -> CheckFraud:
    """A command to judge an order which, unless told otherwise, nothing speaks against."""
    order = order or new_order()
    plain: dict[str, Any] = {"amount": Money(amount=1999, currency="GBP"), "ship_country": "GB"}
    plain |= {"customer_id": order, "card_country": "GB", "payment_token": "pm_card_visa"}
    return CheckFraud(order_id=order, **(plain | more))


def new_customer() -> CustomerId:
    """A customer nobody knows."""
    return CustomerId(f"c-{new_order()}")


def checks(customer: CustomerId, count: int) -> list[CheckFraud]:
    """So many orders of one customer."""
    return [check(customer_id=customer) for _ in range(count)]


def passed(desk: Bench, commands: list[CheckFraud]) -> list[bool]:
    """Which of the orders of one batch pass; the others are suspected."""
    answers = [desk.answer(envelope) for envelope in desk.send_all(commands)]
    assert {type(answer) for answer in answers} <= {FraudCheckPassed, FraudSuspected}
    return [isinstance(answer, FraudCheckPassed) for answer in answers]


def standing(http: TestClient, rule: str) -> dict[str, Any]:
    """The rule as it stands, in the shape in which it is changed."""
    (found,) = (each for each in http.get("/fraud/rules").json()["rules"] if each["id"] == rule)
    return {name: found[name] for name in ("verdict", "limits", "enabled")}


@contextmanager
def changed(http: TestClient, rule: str, **changes: Any) -> Iterator[None]:
    """The rule stands otherwise while the block lasts."""
    before = standing(http, rule)
    assert http.put(f"/fraud/rules/{rule}", json=before | changes).status_code == 200
    try:
        yield
    finally:
        assert http.put(f"/fraud/rules/{rule}", json=before).status_code == 200


@contextmanager
def blocked(http: TestClient, token: str) -> Iterator[None]:
    """The card is blocked while the block lasts."""
    card = f"/fraud/blocked-cards/{token}"
    assert http.put(card, json={"reason": "reported stolen"}).status_code == 200
    try:
        yield
    finally:
        assert http.delete(card).status_code == 204


def test_a_plain_order_passes(desk: Bench) -> None:
    """No rule speaks against it, and nothing is published."""
    order = new_order()
    assert desk.ask(check(order)) == FraudCheckPassed(order_id=order)
    assert published(desk, order) == []


@pytest.mark.parametrize("currency", ["GBP", "EUR", "USD"])
def test_a_high_value_gets_a_look(desk: Bench, currency: str) -> None:
    """10,000.00 passes, one minor unit more is suspected; a currency may have no limit."""
    most, more = (Money(amount=amount, currency=currency) for amount in (1_000_000, 1_000_001))
    assert passed(desk, [check(amount=most)]) == [True]
    suspected = desk.ask(check(amount=more))
    assert suspected.rule == "high-value"
    assert suspected.reason == f"10000.01 {currency} is more than 10000.00 {currency}"
    assert passed(desk, [check(amount=replace(more, currency="JPY"))]) == [True]


def test_a_card_from_elsewhere_gets_a_look_where_its_country_is_known(desk: Bench) -> None:
    """An unknown country is not another one."""
    suspected = desk.ask(check(card_country="FR"))
    said = {"rule": "country-mismatch", "reason": "it goes to GB, the card is from FR"}
    assert suspected == FraudSuspected(order_id=suspected.order_id, **said)
    assert passed(desk, [check(card_country="")]) == [True]


def test_a_check_can_be_looked_at(desk: Bench, http: TestClient) -> None:
    """Who asks why an order was suspected is told the rule and the reason."""
    answer = desk.ask(check(card_country="FR"))
    found = http.get(f"/fraud/checks/{answer.order_id}", headers=headers("support")).json()
    assert (found["verdict"], found["rule"]) == ("review", answer.rule)
    assert (found["reason"], found["customer_id"]) == (answer.reason, answer.order_id)


def test_a_blocked_card_is_rejected_until_it_is_let_go(desk: Bench, http: TestClient) -> None:
    """Blocking and unblocking hold from the next check on; why it was blocked is told to staff."""
    order = new_order()
    with blocked(http, "pm_stolen"):
        failed = desk.ask(check(order, payment_token="pm_stolen"))
        found = http.get("/fraud/blocked-cards/pm_stolen", headers=headers("support")).json()
    said = {"rule": "blocked-card", "reason": "the card is blocked"}
    assert failed == FraudCheckFailed(order_id=order, **said)
    assert (found["reason"], found["by"]) == ("reported stolen", "somebody")
    assert isinstance(desk.ask(check(payment_token="pm_stolen")), FraudCheckPassed)
    assert http.get("/fraud/blocked-cards/pm_stolen").status_code == 404
    assert http.delete("/fraud/blocked-cards/pm_stolen").status_code == 404


def test_the_strongest_verdict_wins(desk: Bench, http: TestClient) -> None:
    """A rejection before any look, whatever stands first; of two that are as strong, the first."""
    amount = Money(amount=9_999_999, currency="GBP")
    order = check(amount=amount, card_country="FR", payment_token="pm_worst")
    with changed(http, "high-value", verdict="reject"):
        assert desk.ask(replace(order, order_id=new_order())).rule == "high-value"
    with blocked(http, "pm_worst"):
        assert desk.ask(replace(order, order_id=new_order())).rule == "blocked-card"
    assert desk.ask(order).rule == "country-mismatch"


def test_orders_of_one_batch_are_counted(desk: Bench) -> None:
    """Of 23 orders of a new customer in one batch the last three are suspected, others' are not."""
    batch = [*checks(new_customer(), HOURLY + 3), check()]
    assert passed(desk, batch) == [True] * HOURLY + [False] * 3 + [True]


def test_orders_of_earlier_batches_are_counted_with_those_of_this_one(desk: Bench) -> None:
    """Fifteen before, and five of seven pass; each customer has a count of its own."""
    one, other = new_customer(), new_customer()
    desk.send_all([*checks(one, 15), *checks(other, 19)])
    batch = [*checks(one, 7), *checks(other, 2)]
    assert passed(desk, batch) == [True] * 5 + [False] * 2 + [True, False]


def test_orders_before_the_window_are_not_counted(desk: Bench) -> None:
    """After an hour the customer begins anew."""
    customer = new_customer()
    assert not passed(desk, checks(customer, HOURLY + 1))[-1]
    aged = "UPDATE checks SET at = at - interval '3601 seconds' WHERE customer_id = :c"
    desk.rows(aged, c=customer)
    assert passed(desk, checks(customer, 1)) == [True]


def test_orders_judged_side_by_side_are_counted(desk: Bench) -> None:
    """Eight batches at once, of a customer nobody knew: as many pass as may, and no more."""
    customer = new_customer()
    batches = [checks(customer, 5) for _ in range(8)]
    with ThreadPoolExecutor(8) as workers:
        sent = [envelope for part in workers.map(desk.send_all, batches) for envelope in part]
    answers = [desk.answer(envelope) for envelope in sent]
    assert sum(isinstance(answer, FraudCheckPassed) for answer in answers) == HOURLY


def test_the_same_order_again_has_the_same_answer(desk: Bench, http: TestClient) -> None:
    """From its row: whatever the rules say by now, it is judged, counted and published once."""
    order = new_order()
    first = desk.ask(check(order, card_country="FR"))
    with changed(http, "country-mismatch", enabled=False):
        again = [desk.ask(check(order)), *map(desk.answer, desk.send_all([check(order)] * 2))]
    assert [first] * 3 == again
    assert desk.rows("SELECT count(*) FROM checks WHERE order_id = :o", o=order) == [(1,)]
    assert published(desk, order) == ["concerto.FraudSuspected.v1"]


def test_the_same_order_twice_in_one_batch_is_one(desk: Bench) -> None:
    """It does not count against itself."""
    batch = checks(new_customer(), HOURLY)
    assert all(passed(desk, batch + batch))


def test_a_changed_rule_holds_from_the_next_check_on(desk: Bench, http: TestClient) -> None:
    """Another limit, another verdict, and none while it is not enabled."""
    with changed(http, "high-value", limits={"GBP": 500}, verdict="reject"):
        assert isinstance(desk.ask(check()), FraudCheckFailed)
        with changed(http, "high-value", enabled=False):
            assert passed(desk, [check()]) == [True]
    with changed(http, "velocity", limits={"orders": 1, "seconds": 60}):
        assert passed(desk, checks(new_customer(), 2)) == [True, False]
    assert passed(desk, checks(new_customer(), 2)) == [True, True]


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("velocity", {"limits": {"orders": 5}}),
        ("velocity", {"limits": {"orders": "5", "seconds": 60}}),
        ("velocity", {"limits": {"orders": 0, "seconds": 60}}),
        ("velocity", {"limits": {"orders": 1001, "seconds": 60}}),
        ("velocity", {"limits": {"orders": 5, "seconds": 0}}),
        ("high-value", {"limits": {}}),
        ("high-value", {"limits": {"pounds": 1}}),
        ("high-value", {"limits": {"GBP": -1}}),
        ("country-mismatch", {"limits": {"GBP": 1}}),
        ("blocked-card", {"verdict": "pass"}),
        ("blocked-card", {"enabled": None}),
        ("blocked-card", {"kind": "amount"}),
    ],
)
def test_a_bad_rule_is_refused_and_changes_nothing(
    http: TestClient, rule: str, change: dict[str, Any]
) -> None:
    """Limits fit the kind of their rule; what does not is a 422 that says where."""
    before = http.get("/fraud/rules").json()
    answer = http.put(f"/fraud/rules/{rule}", json=standing(http, rule) | change)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["at"].startswith("body.")
    assert http.get("/fraud/rules").json() == before


def test_nobody_makes_up_rules_or_tokens(http: TestClient) -> None:
    """A rule that is not there is 404, a token that no provider gives 422."""
    body = {"verdict": "reject", "limits": {}, "enabled": True}
    assert http.put("/fraud/rules/no-such", json=body).status_code == 404
    assert http.put("/fraud/blocked-cards/a b", json={"reason": "r"}).status_code == 422
    assert http.put("/fraud/blocked-cards/pm_a", json={"reason": ""}).status_code == 422
    assert http.get("/fraud/checks/no-order").status_code == 422


@pytest.mark.parametrize("role", ["shop", "customer", "support"])
def test_who_may_not_change_is_refused(http: TestClient, role: str) -> None:
    """Support reads; shops and customers do not even that."""
    mine = headers(role)
    changes = (
        http.put("/fraud/rules/velocity", json=standing(http, "velocity"), headers=mine),
        http.put("/fraud/blocked-cards/pm_a", json={"reason": "r"}, headers=mine),
        http.delete("/fraud/blocked-cards/pm_a", headers=mine),
    )
    reads = ("rules", "blocked-cards/pm_a", f"checks/{new_order()}")
    seen = [http.get(f"/fraud/{path}", headers=mine).status_code for path in reads]
    assert [answer.status_code for answer in changes] == [403] * 3
    assert seen == ([200, 404, 404] if role == "support" else [403] * 3)


def test_a_large_batch_takes_as_many_statements_as_a_small_one(desk: Bench) -> None:
    """However many orders and customers, new ones and known ones."""

    def spent(orders: int) -> list[int]:
        customers = [new_customer() for _ in range(orders)]
        tables = ("checks", "customers", "blocked_cards", "rules")
        return [
            desk.statements([check(customer_id=c) for c in customers], *tables) for _ in range(2)
        ]

    assert spent(2) == spent(40) == [6, 6]


def published(desk: Bench, order: OrderId) -> list[str]:
    """The types of the events about this order."""
    found = "SELECT envelope::jsonb ->> 'type' FROM outbox WHERE envelope::jsonb ->> 'subject' = :o"
    found += " ORDER BY position"
    return [name for (name,) in desk.rows(found, o=order)]
