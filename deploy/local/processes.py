"""Which processes a stack has, and how each is started and known to be ready."""

import contextlib
import json
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deploy.local.brokers import Broker
from deploy.local.stack import Stack
from deploy.rabbitmq import KEEPER
from deploy.services import Known, services

Kind = Literal[
    "database",
    "broker",
    "supervisor",
    "api",
    "orchestrator",
    "participant",
    "side_effect",
    "simulator",
]
FRESH_SECONDS = 10.0
BENCH, TRIVIAL = "deploy.bench", ("orchestrator", "inventory")


@dataclass(frozen=True)
class Process:
    """One process of a stack."""

    name: str
    kind: Kind
    command: list[str]
    environment: dict[str, str]
    port: int | None = None
    stop_signal: str = "TERM"
    heartbeat: str = ""
    health: str = ""

    @property
    def first(self) -> bool:
        """Whether it must run before the others are migrated and started."""
        return self.kind in ("database", "broker", "simulator") and not self.heartbeat

    def ready(self, stack: Stack, pid: int) -> bool:
        """Whether the running process `pid` does its work."""
        if self.heartbeat:
            return _beats(stack.health / f"{self.heartbeat}.{pid}.alive")
        if self.health:
            return _answers(self.health)
        if self.kind == "database":
            return stack.postgres.answers()
        return stack.server is None or stack.server.answers()


def processes(stack: Stack) -> list[Process]:
    """Every process of `stack`, in the order they are started."""
    found = [_postgres(stack)]
    if stack.server:
        found.append(_broker(stack, stack.server))
    if not stack.trivial:
        found += [_simulator(stack, name) for name in stack.simulators]
    if stack.broker == "none":
        return [*found, _single(stack)]
    found.append(_api(stack))
    if stack.management_for(KEEPER):
        found.append(_keeper(stack))
    for service in services():
        if stack.trivial and service.name not in TRIVIAL:
            continue
        found += [_worker(stack, service, number) for number in range(_count(stack, service))]
    return found


def _count(stack: Stack, service: Known) -> int:
    return 1 if service.kind == "side_effect" else stack.workers


def _postgres(stack: Stack) -> Process:
    server = stack.postgres
    return Process("postgres", "database", server.command(), {}, server.port, "INT")


def _broker(stack: Stack, server: Broker) -> Process:
    return Process(stack.broker, "broker", server.command(), server.environment(), server.port)


def _keeper(stack: Stack) -> Process:
    """Restores what is deleted on RabbitMQ; may read who subscribed, which the trail has too."""
    command = [sys.executable, "-m", "deploy.keeper"]
    environment = stack.environment("trail", user=KEEPER)
    told = {"CONCERTO_BROKER_ADMIN_URL": stack.management_for(KEEPER)}
    return Process("keeper", "broker", command, {**environment, **told}, heartbeat="keeper")


def _simulator(stack: Stack, name: str) -> Process:
    port, data = stack.ports[name], stack.folder / "simulators" / name
    command = [sys.executable, "-m", f"deploy.simulators.{name}"]
    command += ["--port", str(port), "--data", str(data)]
    if name == "mail":
        command += ["--smtp-port", str(stack.ports["smtp"])]
    health = f"{stack.simulators[name]}/health"
    environment = stack.environment()
    return Process(f"{name}_simulator", "simulator", command, environment, port, health=health)


def _api(stack: Stack) -> Process:
    port = stack.ports["api"]
    module = f"{BENCH}.api" if stack.trivial else "deploy.api"
    command = [sys.executable, "-m", "uvicorn", "--factory", f"{module}:app"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--no-access-log"]
    return Process("api", "api", command, stack.everything(), port, health=f"{stack.url}/readyz")


def _single(stack: Stack) -> Process:
    command = [sys.executable, "-m", "deploy.single"]
    port = stack.ports["api"]
    return Process("single", "api", command, stack.everything(), port, health=f"{stack.url}/readyz")


def _worker(stack: Stack, service: Known, number: int) -> Process:
    name = service.name if number == 0 else f"{service.name}_{number + 1}"
    module = f"{BENCH}.{service.name}" if stack.trivial else service.worker
    command = [sys.executable, "-m", "celery", "-A", module, "worker"]
    command += ["--hostname", f"{name}@%h", "--loglevel", "WARNING"]
    environment = stack.environment(service.name)
    return Process(name, service.kind, command, environment, heartbeat=service.name)


def _beats(file: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return time.time() - file.stat().st_mtime < FRESH_SECONDS
    return False


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
        return bool(answer.status == 200 and json.load(answer))
    return False
