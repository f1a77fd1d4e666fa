"""Bringing a stack up, taking it down, and saying how it stands."""

import os
import time
from collections.abc import Callable
from typing import Any

from contracts.runtime.settings import Settings
from contracts.runtime.tokens import mint
from deploy.local import supervision
from deploy.local.processes import Process, processes
from deploy.local.servers import NotStarted
from deploy.local.stack import Stack
from deploy.services import services

READY_SECONDS = 120.0
Say = Callable[[str], None]


def up(stack: Stack, say: Say) -> None:
    """Start everything and wait until all of it is ready; `NotStarted` says what is not.

    A stack that runs already is left as it is; what a dead supervisor left is ended first.
    """
    if supervision.alive(stack):
        say("it runs already")
        return _wait(stack, processes(stack))
    stack.save()
    say("making the database")
    stack.postgres.create()
    if stack.server:
        stack.server.create()
    supervision.start(stack)
    whole = processes(stack)
    _wait(stack, [process for process in whole if process.first])
    say("migrating")
    _prepare(stack)
    say("starting the services")
    supervision.run_all(stack)
    _wait(stack, whole)


def down(stack: Stack) -> None:
    """End everything; the data stays."""
    supervision.end(stack)


def status(stack: Stack) -> dict[str, Any]:
    """How the stack stands, with a fresh token of an administrator."""
    running = supervision.states(stack) if supervision.alive(stack) else {}
    again = supervision.restarts(stack) if running else {}
    listed = [_shown(stack, process, running, again) for process in processes(stack)]
    return {
        "url": stack.url,
        "ready": bool(running) and all(process["ready"] for process in listed),
        "token": token(stack),
        "database": {service.name: stack.database(service.name) for service in services()},
        "broker": stack.broker_for("admin"),
        "processes": [_supervisor(stack, bool(running)), *listed],
        "simulators": stack.simulators,
    }


def token(stack: Stack, role: str = "admin", subject: str = "concerto") -> str:
    """An access token of this stack."""
    return mint(config(stack), role, subject)


def config(stack: Stack) -> Settings:
    """The settings of this stack, as a process that may use every database has them."""
    admin = {"CONCERTO_BROKER_ADMIN_URL": stack.management_for("admin")}
    environment = {**stack.environment(), **admin}
    told = {
        name.removeprefix("CONCERTO_").lower(): value
        for name, value in environment.items()
        if name.startswith("CONCERTO_")
    }
    return Settings(**told)  # type: ignore[arg-type]  # pydantic reads the texts


def _prepare(stack: Stack) -> None:
    from deploy.migrate import migrate
    from deploy.topology import apply

    stack.postgres.make_database()
    migrate(stack.postgres.url, stack.passwords())
    os.environ.update(stack.everything())
    apply(config(stack), broker_passwords=stack.broker_passwords())


def _wait(stack: Stack, wanted: list[Process]) -> None:
    until = time.monotonic() + READY_SECONDS
    waiting = list(wanted)
    while True:
        states = supervision.states(stack)
        waiting = [p for p in waiting if not p.ready(stack, states[p.name]["pid"])]
        if not waiting:
            return
        if time.monotonic() > until:
            raise NotStarted(_late(stack, waiting[0]))
        time.sleep(0.1)


def _late(stack: Stack, process: Process) -> str:
    log = stack.log / f"{process.name}.log"
    end = log.read_text(errors="replace")[-1500:] if log.exists() else "(no log)"
    return f"{process.name} did not become ready in {READY_SECONDS:g} s; {log} ends:\n{end}"


def _shown(
    stack: Stack, process: Process, running: dict[str, Any], again: dict[str, int]
) -> dict[str, Any]:
    pid = running.get(process.name, {}).get("pid") or None
    return {
        "name": process.name,
        "kind": process.kind,
        "pid": pid,
        "port": process.port,
        "restarts": again.get(process.name, 0),
        "ready": bool(pid) and process.ready(stack, pid or 0),
    }


def _supervisor(stack: Stack, running: bool) -> dict[str, Any]:
    file = stack.folder / "supervisord.pid"
    return {
        "name": "supervisor",
        "kind": "supervisor",
        "pid": int(file.read_text()) if running and file.exists() else None,
        "port": stack.ports["supervisor"],
        "restarts": 0,
        "ready": running,
    }
