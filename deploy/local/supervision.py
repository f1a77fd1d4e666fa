"""How a stack's processes are kept running: supervisor, spoken to over loopback.

Supervisor restarts what ends. Should supervisor itself be killed, what it left behind is found by
the folder in each process's environment, and ended before the stack starts again.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from deploy.local.processes import Process, processes
from deploy.local.servers import wait_for
from deploy.local.stack import Stack

STOP_SECONDS = 20
ENDING_SECONDS = 30.0
# Groups end one after the other, the highest first; the processes of a group end together.
GROUPS = {"servers": 1, "services": 10}
LOG_BYTES, LOG_BACKUPS = "5MB", 2


def start(stack: Stack) -> None:
    """Start supervisor with every process configured, and none but the first ones running."""
    end_leftovers(stack)
    config = stack.folder / "supervisord.conf"
    config.touch(mode=0o600)
    config.write_text("\n".join(_configuration(stack)))
    environment = {**os.environ, "CONCERTO_DIR": str(stack.folder)}
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)]
    with (stack.log / "supervisord.log").open("ab") as said:  # nothing of ours stays open in it
        subprocess.run(command, env=environment, check=True, stdout=said, stderr=said)
    wait_for(lambda: alive(stack), "supervisor", stack.log / "supervisord.log")


def alive(stack: Stack) -> bool:
    """Whether this stack's supervisor answers."""
    if "supervisor" not in stack.ports:
        return False
    with contextlib.suppress(OSError, Fault):
        return bool(_rpc(stack).supervisor.getState()["statename"] == "RUNNING")
    return False


def run_all(stack: Stack) -> None:
    """Start every process that does not run yet, without waiting for it."""
    for name, info in states(stack).items():
        if info["statename"] not in ("RUNNING", "STARTING"):
            with contextlib.suppress(Fault):
                _rpc(stack).supervisor.startProcess(f"{info['group']}:{name}", False)


def restart(stack: Stack, name: str) -> None:
    """End one process and start it again."""
    stop(stack, name)
    resume(stack, name)


def stop(stack: Stack, name: str) -> None:
    """End one process, which then stays ended."""
    with contextlib.suppress(Fault):
        _rpc(stack).supervisor.stopProcess(_full(stack, name), True)


def resume(stack: Stack, name: str) -> None:
    """Start one process that was ended."""
    with contextlib.suppress(Fault):
        _rpc(stack).supervisor.startProcess(_full(stack, name), True)


def states(stack: Stack) -> dict[str, dict[str, Any]]:
    """What supervisor says of each process, by name."""
    found: Any = _rpc(stack).supervisor.getAllProcessInfo()
    return {info["name"]: info for info in found}


def restarts(stack: Stack) -> dict[str, int]:
    """How often each process was started again since supervisor runs."""
    log = (stack.log / "supervisord.log").read_text(errors="replace")
    since = log[log.rfind("supervisord started") :]
    spawned = re.findall(r"spawned: '(\S+)'", since)
    return {name: spawned.count(name) - 1 for name in spawned}


def end(stack: Stack) -> None:
    """End the services, all at once, then the servers, and supervisor itself."""
    if alive(stack):
        with contextlib.suppress(OSError, Fault):
            _rpc(stack).supervisor.shutdown()
    end_leftovers(stack, patience=ENDING_SECONDS)


def end_leftovers(stack: Stack, patience: float = 0.0) -> None:
    """Wait for what belongs to this folder to end, and end what does not."""
    until = time.monotonic() + patience
    while time.monotonic() < until and any(not _stays(pid) for pid in _pids(stack)):
        time.sleep(0.1)
    for number in (signal.SIGINT, signal.SIGKILL):
        for pid in _pids(stack):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        until = time.monotonic() + (10.0 if number == signal.SIGINT else 5.0)
        while time.monotonic() < until and any(_pids(stack)):
            time.sleep(0.1)
    _clear(stack)


def _clear(stack: Stack) -> None:
    """Remove what dead processes left lying about."""
    (stack.folder / "postgres" / "data" / "postmaster.pid").unlink(missing_ok=True)
    for file in (*stack.health.glob("*.alive"), *stack.metrics.glob("*.db")):
        file.unlink(missing_ok=True)


def _pids(stack: Stack) -> Iterator[int]:
    """Processes that were started for this folder, found by their environment."""
    mark = f"CONCERTO_DIR={stack.folder}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            ours = mark in (folder / "environ").read_bytes().split(b"\0")
            if ours and int(folder.name) not in (os.getpid(), os.getppid()):
                yield int(folder.name)


def _stays(pid: int) -> bool:
    """Whether it never ends by itself: Erlang's port mapper, which RabbitMQ starts and leaves."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip() == "epmd"
    return True


def _rpc(stack: Stack) -> Any:
    port, password = stack.ports["supervisor"], stack.secrets["supervisor"]
    return ServerProxy(f"http://concerto:{password}@127.0.0.1:{port}/RPC2")


def _configuration(stack: Stack) -> Iterator[str]:
    log = stack.log
    yield "[supervisord]"
    yield f"logfile={log / 'supervisord.log'}"
    yield f"logfile_maxbytes={LOG_BYTES}"
    yield f"logfile_backups={LOG_BACKUPS}"
    yield f"pidfile={stack.folder / 'supervisord.pid'}"
    yield f"directory={stack.folder}"
    if os.getuid() == 0:
        yield "user=root"
    yield "[inet_http_server]"
    yield f"port=127.0.0.1:{stack.ports['supervisor']}"
    yield "username=concerto"
    yield f"password={stack.secrets['supervisor']}"
    yield "[rpcinterface:supervisor]"
    yield "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface"
    for process in processes(stack):
        yield from _program(stack, process)
    for group, priority in GROUPS.items():
        names = [process.name for process in processes(stack) if _group(process) == group]
        yield f"[group:{group}]"
        yield f"programs={','.join(names)}"
        yield f"priority={priority}"


def _program(stack: Stack, process: Process) -> Iterator[str]:
    yield f"[program:{process.name}]"
    yield f"command={' '.join(_quoted(part) for part in process.command)}"
    told = ",".join(f"{name}={_quoted(value)}" for name, value in process.environment.items())
    if told:
        yield f"environment={told}"
    yield f"autostart={'true' if process.first else 'false'}"
    yield "autorestart=true"
    yield "startsecs=1"
    yield "startretries=20"
    yield f"stopsignal={process.stop_signal}"
    yield f"stopwaitsecs={STOP_SECONDS}"
    yield "redirect_stderr=true"
    yield f"stdout_logfile={stack.log / process.name}.log"
    yield f"stdout_logfile_maxbytes={LOG_BYTES}"
    yield f"stdout_logfile_backups={LOG_BACKUPS}"


def _group(process: Process) -> str:
    return "servers" if process.first else "services"


def _full(stack: Stack, name: str) -> str:
    return f"{states(stack)[name]['group']}:{name}"


def _quoted(text: str) -> str:
    return '"' + text.replace("%", "%%").replace('"', '\\"') + '"'
