"""The payment provider behaves as Stripe's API v1 does, also where that hurts."""

import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.simulators.running import KEY, Running, call, form, until

AUTHORIZATION = f"Bearer {KEY}"
SOON = 0.5


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Running]:
    with Running("payment", tmp_path) as running:
        yield running


def hold(
    provider: Running, key: str, order: str = "o1", token: str = "pm_card_visa", **more: Any
) -> tuple[int, Any]:
    """Ask for a hold of 19.99."""
    fields = {
        "amount": 1999,
        "currency": "gbp",
        "confirm": "true",
        "capture_method": "manual",
        "payment_method": token,
        "metadata[order_id]": order,
    }
    seconds = more.pop("seconds", 5.0)
    return post(provider, "/v1/payment_intents", key, seconds, **{**fields, **more})


def post(
    provider: Running, path: str, key: str, seconds: float = 5.0, **fields: Any
) -> tuple[int, Any]:
    """A POST as a client with the right key makes it."""
    body = form(**fields)
    return provider.post(path, body, seconds, Authorization=AUTHORIZATION, Idempotency_Key=key)


def intents(provider: Running) -> list[Any]:
    """What the provider lists."""
    status, body = provider.get("/v1/payment_intents?limit=100", Authorization=AUTHORIZATION)
    assert status == 200
    return list(body["data"])


def test_a_hold_is_made_once_for_each_key(provider: Running) -> None:
    """The same create three times: one intent, the same answer; another key: another intent."""
    answers = [hold(provider, "a") for _ in range(3)]
    assert answers[0][0] == 200
    assert answers[0] == answers[1] == answers[2]
    assert hold(provider, "b")[1]["id"] != answers[0][1]["id"]
    assert len(intents(provider)) == 2


def test_a_key_used_for_something_else_is_refused(provider: Running) -> None:
    """The same key with another amount is a 400 idempotency_error and makes nothing."""
    hold(provider, "a")
    status, body = hold(provider, "a", amount=5)
    assert (status, body["error"]["type"]) == (400, "idempotency_error")
    assert len(intents(provider)) == 1


def test_a_key_that_is_under_way_conflicts(provider: Running) -> None:
    """Two calls at once under one key: one is done, the other gets 409."""
    provider.switch(slow_seconds=0.3)
    with ThreadPoolExecutor(2) as pool:
        statuses = [f.result()[0] for f in [pool.submit(hold, provider, "a") for _ in range(2)]]
    assert sorted(statuses) == [200, 409]
    assert len(intents(provider)) == 1


def test_what_is_under_way_is_done_although_nobody_waits(provider: Running) -> None:
    """A caller that gives up does not stop the charge; the repeat finds the same one."""
    provider.switch(slow_seconds=0.6)
    with pytest.raises(TimeoutError):
        hold(provider, "a", seconds=0.1)
    provider.switch(slow_seconds=0.0)
    until(lambda: hold(provider, "a")[0] == 200)
    assert [i["id"] for i in intents(provider)] == [hold(provider, "a")[1]["id"]]


def test_a_declined_card_holds_nothing(provider: Running) -> None:
    """402, card_declined, and an intent that holds nothing."""
    status, body = hold(provider, "a", token="pm_card_chargeDeclined")
    assert (status, body["error"]["code"]) == (402, "card_declined")
    assert [(i["status"], i["amount_capturable"]) for i in intents(provider)] == [
        ("requires_payment_method", 0)
    ]


@pytest.mark.parametrize(
    ("token", "effects"),
    [("pm_sim_timeout_before", 0), ("pm_sim_timeout_after", 1), ("pm_sim_unknown", 1)],
)
def test_a_first_answer_that_never_comes(provider: Running, token: str, effects: int) -> None:
    """The effect has happened or not as the token says, and the repeat is never a second one."""
    with pytest.raises(TimeoutError):
        hold(provider, "a", token=token, seconds=SOON)
    assert len(intents(provider)) == effects
    provider.switch(unknown_silent=False)
    assert hold(provider, "a", token=token)[0] == 200
    assert len(intents(provider)) == 1


def test_the_unknown_stay_unknown_until_switched_off(provider: Running) -> None:
    """Reading, searching and repeating get no answer while the switch is on."""
    with pytest.raises(TimeoutError):
        hold(provider, "a", token="pm_sim_unknown", seconds=SOON)
    for path in ("/v1/payment_intents/pi_0000000001", search("o1")):
        with pytest.raises(TimeoutError):
            provider.get(path, SOON, Authorization=AUTHORIZATION)
    provider.switch(unknown_silent=False)
    assert provider.get(search("o1"), Authorization=AUTHORIZATION)[0] == 200


def test_a_500_is_replayed_and_its_effect_is_found_by_order(provider: Running) -> None:
    """The effect behind a 500 is found by metadata, unless the index is behind."""
    assert hold(provider, "a", order="o7", token="pm_sim_500_after")[0] == 500
    assert hold(provider, "a", order="o7", token="pm_sim_500_after")[0] == 500
    (found,) = provider.get(search("o7"), Authorization=AUTHORIZATION)[1]["data"]
    assert found["status"] == "requires_capture"
    provider.switch(search_blind=True)
    assert provider.get(search("o7"), Authorization=AUTHORIZATION)[1]["data"] == []


def test_money_is_taken_once_and_given_back_at_most(provider: Running) -> None:
    """A part is captured; a second capture, a cancel and a refund of more are refused."""
    path = f"/v1/payment_intents/{hold(provider, 'a')[1]['id']}"
    assert post(provider, f"{path}/capture", "b", amount_to_capture=1500)[1]["status"] == (
        "succeeded"
    )
    for change in ("capture", "cancel"):
        status, body = post(provider, f"{path}/{change}", change)
        assert (status, body["error"]["code"]) == (400, "payment_intent_unexpected_state")
    intent = path.rsplit("/", 1)[1]
    refunds = [
        post(provider, "/v1/refunds", f"r{n}", payment_intent=intent, amount=800) for n in range(2)
    ]
    assert [status for status, _ in refunds] == [200, 400]
    assert post(provider, "/v1/refunds", "r3", payment_intent=intent)[1]["amount"] == 700


def test_a_cancelled_hold_cannot_be_captured(provider: Running) -> None:
    """What was let go of cannot be taken."""
    path = f"/v1/payment_intents/{hold(provider, 'a')[1]['id']}"
    assert post(provider, f"{path}/cancel", "b")[1]["status"] == "canceled"
    assert post(provider, f"{path}/capture", "c")[0] == 400


def test_nothing_is_said_without_the_key(provider: Running) -> None:
    """401 to whoever does not have it, and no effect."""
    assert provider.get("/v1/payment_intents")[0] == 401
    wanted = form(amount=1, currency="gbp")
    answer = provider.post("/v1/payment_intents", wanted, Authorization="Bearer other")
    assert answer[0] == 401
    assert intents(provider) == []


def test_a_kill_forgets_nothing(tmp_path: Path) -> None:
    """After kill -9 and a cut-off last line, the repeat is still the same charge."""
    with Running("payment", tmp_path) as provider:
        first = hold(provider, "a")
    with (tmp_path / "records.jsonl").open("a") as record:
        record.write('{"kind": "inte')
    with Running("payment", tmp_path) as provider:
        assert hold(provider, "a") == first
        hold(provider, "b")
    with Running("payment", tmp_path) as provider:
        assert len(intents(provider)) == 2


def test_the_common_switches_refuse_before_any_effect(provider: Running) -> None:
    """Down, or failing every time: 503, and nothing was done; an unknown switch is named."""
    for faults in ({"down": True}, {"down": False, "fail_rate": 1.0}):
        provider.switch(**faults)
        assert hold(provider, "a")[0] == 503
    provider.switch(fail_rate=0.0)
    assert intents(provider) == []
    with pytest.raises(AssertionError, match="no switch downn"):
        provider.switch(downn=True)


def test_a_customer_authenticates_or_does_not(provider: Running) -> None:
    """Nothing is held before; then the hold is there, or the method is refused; but once."""
    token, return_url = "pm_card_authenticationRequired", "http://localhost/"
    for outcome, status in (
        ("succeeded", "requires_capture"),
        ("failed", "requires_payment_method"),
    ):
        asked = hold(provider, outcome, token=token, return_url=return_url)[1]
        assert (asked["status"], asked["amount_capturable"]) == ("requires_action", 0)
        page = asked["next_action"]["redirect_to_url"]["url"]
        with urllib.request.urlopen(page) as shown:
            assert b"outcome=succeeded" in shown.read()
        assert call("POST", f"{page}?outcome={outcome}", b"")[1]["status"] == status
        assert call("POST", f"{page}?outcome={outcome}", b"")[0] == 400


def test_an_open_authentication_can_be_canceled(provider: Running) -> None:
    """It is no hold on the record, and nobody can agree any more."""
    token, return_url = "pm_card_authenticationRequired", "http://localhost/"
    asked = hold(provider, "a", token=token, return_url=return_url)[1]
    path = f"/v1/payment_intents/{asked['id']}/cancel"
    assert post(provider, path, "b")[1]["status"] == "canceled"
    assert (
        call("POST", f"{asked['next_action']['redirect_to_url']['url']}?outcome=succeeded")[0]
        == 400
    )
    assert provider.records(kind="intent") == []


@pytest.mark.parametrize(
    ("fate", "status", "made"), [("refused", 400, 0), ("broken", 500, 1), ("pending", 200, 1)]
)
def test_a_refund_meets_its_fate(provider: Running, fate: str, status: int, made: int) -> None:
    """Refused, a 500 after its effect, or pending for as long as its create is repeated."""
    intent = taken(provider)
    provider.switch(refunds=fate)
    for _ in range(2):
        answered, body = post(provider, "/v1/refunds", "r", payment_intent=intent)
        assert answered == status
    assert len(provider.records(kind="refund")) == made
    if fate == "pending":
        path = f"/v1/refunds/{body['id']}"
        assert body["status"] == "pending"
        assert provider.get(path, Authorization=AUTHORIZATION)[1]["status"] == "succeeded"


def test_a_refund_is_made_and_not_told(provider: Running) -> None:
    """The first answer is lost; the repeat is the same refund."""
    intent = taken(provider)
    provider.switch(refunds="lost")
    with pytest.raises(TimeoutError):
        post(provider, "/v1/refunds", "r", SOON, payment_intent=intent)
    assert post(provider, "/v1/refunds", "r", payment_intent=intent)[0] == 200
    assert len(provider.records(kind="refund")) == 1


def taken(provider: Running) -> str:
    """The id of a payment intent that is captured."""
    identity = str(hold(provider, "a")[1]["id"])
    assert post(provider, f"/v1/payment_intents/{identity}/capture", "b")[0] == 200
    return identity


def search(order: str) -> str:
    """Where the intents of an order are found."""
    return f"/v1/payment_intents/search?query=metadata%5B'order_id'%5D:'{order}'"
