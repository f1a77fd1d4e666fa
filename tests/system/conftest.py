"""A whole embedded stack, started once, and what is needed to send it orders and hurt it."""

import base64
import json
import os
import signal
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
import redis
from sqlalchemy import text

from contracts.runtime.database import Database
from deploy.client import Platform
from deploy.local import lifecycle, supervision
from deploy.local.stack import Stack, configured
from deploy.rabbitmq import Management
from deploy.verify import verify
from tests.conftest import let_in, needed

WAIT_SECONDS = 90.0
LOOK_SECONDS = 0.05
TIME_SCALE = float(os.environ.get("CONCERTO_TEST_TIME_SCALE", "0.1"))
IN_FLIGHT = 100  # sagas under way; the next ones wait
ENDED = ("completed", "undone", "review")
numbers = count()


def wait_until(what: str, holds: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
    """Wait for a condition, or fail with what was waited for."""
    until = time.monotonic() + seconds
    never = threading.Event()
    while not holds():
        assert time.monotonic() < until, f"not within {seconds:g} s: {what}"
        never.wait(LOOK_SECONDS)


@dataclass
class Platforms:
    """One stack, spoken to as a shop and as an operator would."""

    stack: Stack

    @property
    def http(self) -> Platform:
        """Its HTTP, with a fresh token."""
        return Platform(self.stack.url, lifecycle.token(self.stack, "admin", "tests"))

    def order(self, token: str = "pm_card_visa", postcode: str = "YO1", **more: Any) -> Any:
        """An order of two units of SKU-1."""
        number = next(numbers)
        person = {"name": "Ann", "email": f"ann-{number}@shop.example", "line1": "1 Road"}
        price = {"amount": 1999, "currency": "GBP"}
        return {
            "key": f"key-{number}",
            "customer_id": f"c{number % 1000}",
            "currency": "GBP",
            "lines": [{"sku": "SKU-1", "quantity": 2, "unit_price": price}],
            "payment": {"method": "card", "token": token},
            "ship_to": {**person, "city": "York", "postcode": postcode, "country": "GB"},
            **more,
        }

    def submit(self, many: int, **choices: Any) -> list[str]:
        """Submit orders in batches; their ids."""
        ids = []
        for at in range(0, many, 100):
            orders = [self.order(**choices) for _ in range(min(100, many - at))]
            answers = self.http.call("POST", "/orders:batch", {"orders": orders})
            ids += [answer["id"] for answer in answers]
        return ids

    def rows(self, service: str, query: str, **values: Any) -> list[Any]:
        """What a query finds as `service`."""
        database = Database(service, lifecycle.config(self.stack))
        try:
            with database.transaction() as session:
                return list(session.execute(text(query), values))
        finally:
            database.close()

    def states(self, ids: list[str]) -> dict[str, str]:
        """The status of each saga by order."""
        query = "SELECT subject, status FROM sagas WHERE name = 'order' AND "
        query += "subject = ANY(CAST(:ids AS uuid[]))"
        return {str(r.subject): r.status for r in self.rows("orchestrator", query, ids=ids)}

    def wait_ended(self, ids: list[str], seconds: float = WAIT_SECONDS) -> dict[str, str]:
        """Wait until every one of these sagas has ended or waits for a person."""
        wait_until(
            "every saga has ended",
            lambda: all(self.states(ids).get(order) in ENDED for order in ids),
            seconds,
        )
        return self.states(ids)

    def wait_delivered(self, seconds: float = WAIT_SECONDS) -> None:
        """Wait until no delivery is open and every event is in the log."""
        wait_until("every event is delivered", self._delivered, seconds)

    def _delivered(self) -> bool:
        progress = self.http.get("/progress")
        return not progress["unlogged_events"] and not progress["open_deliveries"]

    def breaches(self) -> list[str]:
        """What `verify` finds."""
        checked = verify(lifecycle.config(self.stack), self.stack.simulators)
        return [f"{breach.rule}: {breach.text}" for breach in checked.breaches]

    def records(self, simulator: str) -> list[Any]:
        """The honest record of a simulator."""
        with urllib.request.urlopen(f"{self.stack.simulators[simulator]}/records") as answer:
            records: list[Any] = json.load(answer)
            return records

    @contextmanager
    def switched(self, simulator: str, **faults: Any) -> Iterator[None]:
        """A simulator with these switches while the block lasts."""
        url = f"{self.stack.simulators[simulator]}/faults"
        with urllib.request.urlopen(url) as answer:
            before = json.load(answer)
        _put(url, faults)
        try:
            yield
        finally:
            _put(url, {name: before[name] for name in faults})

    @contextmanager
    def held(self, *names: str) -> Iterator[None]:
        """These processes stand still while the block lasts, or until they go on."""
        for name in names:
            os.kill(self.pid(name), signal.SIGSTOP)
        try:
            yield
        finally:
            self.go_on(*names)

    def go_on(self, *names: str) -> None:
        """Let these processes go on."""
        for name in names:
            os.kill(self.pid(name), signal.SIGCONT)

    def step(self, order: str, name: str) -> dict[str, Any]:
        """Where a step of the order's saga stands."""
        query = "SELECT state FROM sagas WHERE subject = :order AND name = 'order'"
        ((state,),) = self.rows("orchestrator", query, order=order)
        return next(dict(step) for step in state["steps"] if step["name"] == name)

    def forget(self) -> None:
        """Make the broker forget all it holds; a RabbitMQ its queues as well."""
        if self.stack.broker == "rabbitmq":
            for queue in self.management.get("queues", "name"):
                self.management.call("DELETE", f"queues/{{vhost}}/{queue['name']}")
        else:
            with redis.Redis.from_url(self.stack.broker_for("admin")) as client:
                client.flushall()

    def throw(self, garbage: bytes, to: str) -> None:
        """Put anything at all into the queue of a service."""
        if self.stack.broker == "rabbitmq":
            payload = {"payload": base64.b64encode(garbage).decode(), "payload_encoding": "base64"}
            route = {"routing_key": to, "properties": {}}
            self.management.call("POST", f"exchanges/{{vhost}}/to.{to}/publish", payload | route)
        else:
            with redis.Redis.from_url(self.stack.broker_for("admin")) as client:
                client.lpush(to, garbage)

    @property
    def management(self) -> Management:
        """The management HTTP of the stack's RabbitMQ."""
        return Management(self.stack.management_for("admin"))

    def pid(self, name: str) -> int:
        """The process of this name, or 0."""
        return int(supervision.states(self.stack)[name]["pid"])

    def ready(self) -> bool:
        """Whether every process is."""
        return bool(lifecycle.status(self.stack)["ready"])


def _put(url: str, faults: dict[str, Any]) -> None:
    request = urllib.request.Request(url, json.dumps(faults).encode(), method="PUT")
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


@pytest.fixture(scope="session", params=["valkey", "redis", "rabbitmq"])
def platform(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platforms]:
    """A stack on each broker, whose waits are short, and so are its lines."""
    broker: str = request.param
    needed(broker)
    folder = tmp_path_factory.mktemp("stack")
    let_in(folder)
    before = dict(os.environ)
    os.environ["CONCERTO_IN_FLIGHT_SAGAS"] = str(IN_FLIGHT)
    stack = configured(folder / "stack", broker, time_scale=TIME_SCALE)
    lifecycle.up(stack, lambda _: None)
    platforms = Platforms(stack)
    platforms.http.call("PUT", "/stock/SKU-1", {"quantity": 1_000_000})
    yield platforms
    lifecycle.down(stack)
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def whole(platform: Platforms) -> Iterator[Platforms]:
    """The stack with every process running, before and after."""
    yield platform
    supervision.run_all(platform.stack)
    wait_until("every process is ready again", platform.ready)
