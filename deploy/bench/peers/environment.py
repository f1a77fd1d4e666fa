"""Sets up a peer: an environment of its own, and the servers that it needs while it is measured."""

import contextlib
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from deploy.bench.peers.known import Peer
from deploy.local.servers import Postgres, free_port, wait_for

INSTALL_SECONDS = 300.0
END_SECONDS = 20.0


def install(peer: Peer, folder: Path) -> Path:
    """Its Python, made and filled unless it is there; raises what the installer said."""
    python = folder / "bin" / "python"
    uv = str(Path(sys.executable).with_name("uv"))
    if not python.exists():
        _run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
    options = ["--system-certs", "--quiet", "--python", str(python)]
    _run([uv, "pip", "install", *options, *peer.python])
    if peer.npm:
        quiet = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
        _run(["npm", "install", *quiet, "--prefix", str(folder / "npm"), *peer.npm])
    return python


@contextlib.contextmanager
def servers(peer: Peer, folder: Path) -> Iterator[tuple[list[str], dict[str, int]]]:
    """What the peer's script is told, and the pids of its servers by kind; ended afterwards."""
    data = folder / "data"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    with _restate(folder, data) if peer.npm else _postgres(data) as started:
        yield started
    shutil.rmtree(data, ignore_errors=True)


@contextlib.contextmanager
def _postgres(data: Path) -> Iterator[tuple[list[str], dict[str, int]]]:
    postgres = Postgres((data / "postgres").resolve(), free_port(), "peers")
    postgres.create()
    with started(postgres.command(), data / "server.log") as server:
        wait_for(postgres.answers, "PostgreSQL", data / "server.log")
        postgres.make_database()
        yield [postgres.url], {"database": server.pid}


@contextlib.contextmanager
def _restate(folder: Path, data: Path) -> Iterator[tuple[list[str], dict[str, int]]]:
    ingress, admin, node, own = (free_port() for _ in range(4))
    command = [str(folder / "npm/node_modules/.bin/restate-server"), "--base-dir", str(data)]
    command += ["--listen-mode", "tcp", "--bind-ip", "127.0.0.1", "--bind-port", str(node)]
    settings = {
        "RESTATE_INGRESS__BIND_PORT": str(ingress),
        "RESTATE_ADMIN__BIND_PORT": str(admin),
        "RESTATE_DISABLE_TELEMETRY": "true",
        "RESTATE_LOG_FILTER": "warn",
    }
    with started(command, data / "server.log", settings) as server:
        for port, path in ((admin, "health"), (ingress, "restate/health")):
            url = f"http://127.0.0.1:{port}/{path}"
            wait_for(partial(_answers, url), "restate-server", data / "server.log")
        told = [f"http://127.0.0.1:{port}" for port in (ingress, admin, own)]
        yield told, {"server": server.pid}


@contextlib.contextmanager
def started(
    command: list[str], log: Path, settings: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own, ended with its children."""
    with log.open("ab") as to:
        process = subprocess.Popen(
            command,
            env={**os.environ, **(settings or {})},
            stdout=to,
            stderr=to,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        end(process)


def end(process: "subprocess.Popen[bytes] | subprocess.Popen[str]") -> None:
    """End a process that leads its session: SIGINT first, then SIGKILL to what is left."""
    with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
        os.killpg(process.pid, 2)
        process.wait(END_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    process.wait()


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
        return bool(answer.status == 200)
    return False


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS
    )
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name}: {done.stderr.strip()[-300:]}")
