"""The yardstick: the same five steps as a plain Celery chain, on the same broker.

Nothing is stored, deduplicated, compensated or journaled: what a task queue alone does. The last
step sends a datagram, so that no result backend is measured.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from celery import Celery, chain

from contracts.delivery.wire.brokers import address
from contracts.runtime.settings import Settings
from deploy.bench.trivial import STEPS

POOLS = {"prefork 2": ("prefork", 2), "threads 8": ("threads", 8)}
QUEUE = "yardstick"
WARM = 20
WITHIN_SECONDS = 120.0

app = Celery("yardstick", broker=os.environ.get("CONCERTO_YARDSTICK_BROKER"))
app.conf.update(
    task_default_queue=QUEUE,
    task_ignore_result=True,
    task_acks_late=True,
    worker_prefetch_multiplier=8,
    worker_enable_remote_control=False,
)


@app.task(name="step")  # type: ignore[untyped-decorator]  # celery carries no types
def step(number: int) -> int:
    """One step."""
    return number


@app.task(name="last")  # type: ignore[untyped-decorator]
def last(number: int, port: int) -> None:
    """The last step, which says that the chain has ended."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as said:
        said.sendto(b"1", ("127.0.0.1", port))


@dataclass(frozen=True)
class Measured:
    """The better pool and its chains a second."""

    pool: str
    sagas_per_second: float


def measure(broker_url: str, count: int, folder: Path) -> Measured:
    """Run `count` chains on each pool."""
    found = [Measured(pool, _run(broker_url, pool, count, folder)) for pool in POOLS]
    return max(found, key=lambda measured: measured.sagas_per_second)


def _run(broker_url: str, pool: str, count: int, folder: Path) -> float:
    broker = address(Settings(broker_url=broker_url)).replace("valkey://", "redis://")
    kind, size = POOLS[pool]
    command = [sys.executable, "-m", "celery", "-A", "deploy.bench.yardstick", "worker"]
    command += ["--pool", kind, "--concurrency", str(size), "--loglevel", "WARNING"]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    environment = {**os.environ, "CONCERTO_YARDSTICK_BROKER": broker}
    with (folder / "yardstick.log").open("ab") as log:
        worker = subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard:
            heard.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            heard.bind(("127.0.0.1", 0))
            _chains(broker, WARM, heard)
            began = time.monotonic()
            _chains(broker, count, heard)
            return count / (time.monotonic() - began)
    finally:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


def _chains(broker: str, count: int, heard: socket.socket) -> None:
    """Start chains and wait until the last step of each was heard of."""
    port = heard.getsockname()[1]
    steps = [step.si(number) for number in range(1, STEPS)]
    heard.settimeout(WITHIN_SECONDS)
    app.conf.broker_url = broker
    with app.connection_for_write(url=broker) as connection:
        producer = app.amqp.Producer(connection)
        for _ in range(count):
            chain(*steps, last.si(STEPS, port)).apply_async(producer=producer)
    for _ in range(count):
        heard.recv(1)
