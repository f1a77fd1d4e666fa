"""Processes are killed, subscribers are down, the broker forgets everything: nothing is lost."""

import os
import signal
from pathlib import Path

import pytest

from deploy.local import lifecycle, supervision
from deploy.services import services
from deploy.topology import apply
from tests.system.conftest import Platforms, wait_until

ORDERS = int(os.environ.get("CONCERTO_FAULT_ORDERS", "200"))  # `make faults` takes more
# Redis is spoken to as Valkey is: its turn is in `make faults`.
BROKERS = ["valkey", "rabbitmq", *(["redis"] if "CONCERTO_FAULT_ORDERS" in os.environ else [])]
pytestmark = pytest.mark.parametrize("platform", BROKERS, indirect=True)


def applied(platform: Platforms, service: str, ids: list[str]) -> int:
    """How many of these orders the subscriber's own store has."""
    column = {"email": "subject", "crm": "subject"}.get(service, "order_id::text")
    table = {"email": "mails", "crm": "posts"}.get(service, "applied_orders")
    query = f"SELECT count(*) FROM {table} WHERE {column} = ANY(:ids)"
    return int(platform.rows(service, query, ids=ids)[0][0])


def submitted(platform: Platforms, many: int) -> list[str]:
    """Submit orders one after the other as a shop would, again under the same key if need be."""
    return [order for _ in range(many) for order in platform.submit(1)]


def test_a_subscriber_that_was_down_has_every_order_once(whole: Platforms) -> None:
    """100 orders are confirmed while analytics is down; it applies each once after it starts."""
    supervision.stop(whole.stack, "analytics")
    ids = whole.submit(100)
    whole.wait_ended(ids)
    assert applied(whole, "analytics", ids) == 0
    supervision.resume(whole.stack, "analytics")
    wait_until("all are applied", lambda: applied(whole, "analytics", ids) == 100)
    whole.wait_delivered()
    assert not whole.breaches()


def test_a_subscriber_that_never_ran_is_back_filled(whole: Platforms) -> None:
    """Orders from before it subscribed reach it through its own queue, each once."""
    supervision.stop(whole.stack, "recommendation")
    for service in services():
        gone = "DELETE FROM subscriptions WHERE subscriber = 'recommendation' RETURNING event"
        whole.rows(service.name, gone)
    ids = whole.submit(100)
    whole.wait_ended(ids)
    assert apply(lifecycle.config(whole.stack))
    supervision.resume(whole.stack, "recommendation")
    wait_until("all are applied", lambda: applied(whole, "recommendation", ids) == 100)
    whole.wait_delivered()
    assert not whole.breaches()


def test_kills_in_mid_run_lose_nothing(whole: Platforms) -> None:
    """`kill -9` of every process once while orders are under way: all end, every rule holds.

    On the default broker each process; on the others one of each kind.
    """
    names = killed(whole)
    ids = []
    for name in names:
        ids += submitted(whole, max(1, ORDERS // len(names)))
        os.kill(whole.pid(name), signal.SIGKILL)
        wait_until(f"{name} is back", whole.ready)
    ends = whole.wait_ended(ids, 300)
    assert set(ends.values()) == {"completed"}
    whole.wait_delivered()
    assert not whole.breaches()


def killed(whole: Platforms) -> list[str]:
    """Which processes are killed."""
    kinds = {p["name"]: p["kind"] for p in lifecycle.status(whole.stack)["processes"]}
    if whole.stack.broker == "valkey":
        return list(supervision.states(whole.stack))
    return list({kind: name for name, kind in kinds.items() if kind != "supervisor"}.values())


def test_a_broker_that_forgets_everything_loses_nothing(whole: Platforms) -> None:
    """Everything flushed, or every queue deleted, in mid-run: silence sends again, and all end."""
    ids = whole.submit(ORDERS)
    whole.forget()
    ends = whole.wait_ended(ids)
    assert set(ends.values()) == {"completed"}
    whole.wait_delivered()
    assert not whole.breaches()


def test_registration_needs_neither_orchestrator_nor_trail(whole: Platforms) -> None:
    """With both stopped, a registration reaches its subscribers; the trail hears of it later."""
    supervision.stop(whole.stack, "orchestrator")
    supervision.stop(whole.stack, "trail")
    body = {"customer_id": "reg-1", "name": "Reg", "email": "reg@shop.example"}
    whole.http.call("POST", "/users", body, **{"Idempotency-Key": "reg-1"})
    wait_until(
        "the welcome mail is there",
        lambda: any("reg@shop.example" in mail["to"] for mail in whole.records("mail")),
    )
    wait_until(
        "the CRM knows",
        lambda: any(p["data"].get("customer_id") == "reg-1" for p in whole.records("crm")),
    )
    supervision.run_all(whole.stack)
    wait_until("all is ready", whole.ready)
    logged = "SELECT 1 FROM events WHERE type = 'concerto.UserRegistered.v1'"
    wait_until("the trail has the event", lambda: bool(whole.rows("trail", logged)))


def test_a_dead_supervisor_is_succeeded(whole: Platforms) -> None:
    """After `kill -9` of the supervisor, `up` on the same folder ends what it left and goes on."""
    ids = whole.submit(20)
    left = [whole.pid(name) for name in supervision.states(whole.stack)]
    os.kill(int((whole.stack.folder / "supervisord.pid").read_text()), signal.SIGKILL)
    wait_until("the supervisor is gone", lambda: not supervision.alive(whole.stack))
    lifecycle.up(whole.stack, lambda _: None)
    assert not [pid for pid in left if Path(f"/proc/{pid}").exists()]
    assert set(whole.wait_ended(ids).values()) == {"completed"}
    whole.wait_delivered()
    assert not whole.breaches()
