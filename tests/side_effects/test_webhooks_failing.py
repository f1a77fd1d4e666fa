"""An endpoint that fails is told again, less and less often, until it is disabled or given up."""

from typing import Any

from side_effects.webhooks import due
from side_effects.webhooks.consumer import ATTEMPTS
from tests.participants.bench import Bench
from tests.side_effects.endpoints import Shop, states
from tests.side_effects.heard import confirmed
from tests.side_effects.receiver import Receiver, receiver
from tests.simulators.running import until


def test_an_endpoint_that_fails_is_told_again_under_the_same_id(
    posting: Bench, shop: Shop, hook: Receiver
) -> None:
    """Until it answers 2xx; then it is not failing any more."""
    hook.status = 500
    made = shop.register(hook.url)
    said = confirmed(("A", 1, 100))
    posting.host.receive([said])
    until(lambda: len(hook.taken) >= 2)
    assert shop.look(made)["failing_since"]
    assert shop.told(made)[0]["last_error"] == "answered 500"
    hook.status = 200
    until(lambda: states(shop, made) == [("order.confirmed", "delivered")])
    assert {headers["webhook-id"] for headers, _ in hook.taken} == {said.id}
    assert shop.look(made)["failing_since"] is None
    assert shop.told(made)[0]["attempts"] == len(hook.taken)
    assert posting.rows("SELECT count(*) FROM dead_letters") == [(0,)]


def test_an_endpoint_that_fails_for_long_is_disabled_and_can_be_enabled_again(
    posting: Bench, shop: Shop, hook: Receiver
) -> None:
    """Disabled it is told nothing; enabled, it gets what waited, and not what came meanwhile."""
    hook.status = 500
    made = shop.register(hook.url)
    posting.rows("UPDATE endpoints SET failing_since = now() - interval '80 hours'")
    said = confirmed(("A", 1, 100))
    posting.host.receive([said])
    until(lambda: not shop.look(made)["enabled"])
    because = shop.look(made)["disabled_because"]
    assert because.startswith("failing since")
    assert because.endswith("answered 500")
    hook.status, tried = 200, len(hook.taken)
    posting.host.receive([confirmed(("A", 1, 100))])
    enabled = shop.call("POST", f"/{made['id']}/enable").json()
    assert (enabled["enabled"], enabled["disabled_because"]) == (True, "")
    until(lambda: states(shop, made) == [("order.confirmed", "delivered")])
    assert [headers["webhook-id"] for headers, _ in hook.taken[tried:]] == [said.id]


def test_an_endpoint_that_is_gone_is_disabled_at_once(
    posting: Bench, shop: Shop, hook: Receiver
) -> None:
    """410 Gone says so."""
    hook.status = 410
    made = shop.register(hook.url)
    posting.host.receive([confirmed(("A", 1, 100))])
    until(lambda: not shop.look(made)["enabled"])
    assert shop.look(made)["disabled_because"] == "answered 410"


def test_a_dead_endpoint_does_not_hold_up_the_others(
    posting: Bench, shop: Shop, hook: Receiver
) -> None:
    """Nobody listens at one address; the other gets every order."""
    with receiver() as closed:
        pass
    dead, alive = shop.register(closed.url), shop.register(hook.url)
    posting.host.receive([confirmed(("A", 1, 100)) for _ in range(20)])
    until(lambda: states(shop, alive) == [("order.confirmed", "delivered")] * 20)
    assert all(each["state"] != "delivered" for each in shop.told(dead))


def test_what_was_tried_for_the_last_time_is_given_up(
    posting: Bench, shop: Shop, hook: Receiver
) -> None:
    """After twenty-two attempts: not due any more, also when the endpoint is enabled again."""
    hook.status = 500
    made = shop.register(hook.url)
    posting.host.receive([confirmed(("A", 1, 100))])
    until(lambda: hook.taken and states(shop, made) == [("order.confirmed", "waiting")])
    again = (
        "UPDATE webhook_deliveries SET attempts = :tried, due_at = now() WHERE state = 'waiting'"
    )
    posting.rows(again, tried=ATTEMPTS - 2)
    until(lambda: shop.told(made)[0]["attempts"] >= ATTEMPTS - 1)
    until(lambda: states(shop, made) == [("order.confirmed", "waiting")])
    posting.rows(again, tried=ATTEMPTS - 1)
    until(lambda: states(shop, made) == [("order.confirmed", "given up")])
    (given_up,) = shop.told(made)
    assert (given_up["attempts"], given_up["due_at"]) == (ATTEMPTS, None)
    hook.status, tried = 200, len(hook.taken)
    shop.call("POST", f"/{made['id']}/enable")
    posting.host.receive([confirmed(("A", 1, 100))])
    until(lambda: ("order.confirmed", "delivered") in states(shop, made))
    assert len(hook.taken) == tried + 1


def test_a_failing_endpoint_is_told_one_thing_at_a_time(
    posting: Bench, shop: Shop, hook: Receiver
) -> None:
    """Of twenty events that wait for it, one is on its way; once that is taken, all go."""
    hook.status = 500
    made = shop.register(hook.url)
    posting.host.receive([confirmed(("A", 1, 100))])
    until(lambda: shop.look(made)["failing_since"])
    hook.go.clear()
    posting.rows("UPDATE webhook_deliveries SET due_at = now() WHERE due_at IS NOT NULL")
    posting.host.receive([confirmed(("A", 1, 100)) for _ in range(20)])
    until(lambda: on_the_way(posting, made))
    posting.host.run(due.begin)
    assert on_the_way(posting, made) == 1
    hook.status = 200
    hook.go.set()
    until(lambda: states(shop, made) == [("order.confirmed", "delivered")] * 21)
    assert len({headers["webhook-id"] for headers, _ in hook.taken}) == 21


def on_the_way(posting: Bench, endpoint: dict[str, Any]) -> int:
    """How many deliveries to this endpoint are being posted."""
    query = "SELECT count(*) FROM webhook_deliveries WHERE endpoint_id = :id AND state = 'sending'"
    return int(posting.rows(query, id=endpoint["id"])[0][0])
