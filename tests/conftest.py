"""Real servers for the tests that need them, started once and ended with the session."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from contracts.runtime.settings import settings
from deploy.local import brokers
from deploy.local.brokers import Valkey
from deploy.local.servers import Postgres, free_port, wait_for
from tests.participants.bench import SIGNING_KEY

# How long an example takes says nothing where others use the machine as well.
hypothesis.settings.register_profile(
    "shared", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("shared")
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=64MB")


def needed(broker: str) -> None:
    """Skip what needs a package this machine lacks; on the build server that is a failure."""
    package, there = f"{broker}-server", broker == "valkey"
    there |= bool(shutil.which(package)) or (broker == "rabbitmq" and brokers.RABBITMQ.exists())
    if not there and not os.environ.get("CI"):
        pytest.skip(f"there is no {package}: {brokers.INSTALL.format(package)}")


def let_in(folder: Path) -> None:
    """Let the unprivileged user that runs the database reach this folder."""
    for part in (folder, *folder.parents):
        if not part.stat().st_mode & 0o001:
            part.chmod(0o755)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL of this test run, as its administrator."""
    folder = tmp_path_factory.mktemp("postgres")
    let_in(folder)
    server = Postgres(folder / "server", free_port(), "test", FAST)
    server.create()
    with _running(server.command(), folder / "log", server):
        server.make_database()
        yield server.url


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Valkey of this test run."""
    folder = tmp_path_factory.mktemp("valkey")
    server = Valkey(folder, free_port(), "test")
    server.create()
    with _running(server.command(), folder / "log", server):
        yield server.url("tests")


@pytest.fixture
def signed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process accepts and makes tokens with the key of the bench."""
    monkeypatch.setenv("CONCERTO_SIGNING_KEY", SIGNING_KEY)
    settings.cache_clear()
    yield
    settings.cache_clear()


class _running:
    """Runs a server while the block lasts."""

    def __init__(self, command: list[str], log: Path, server: Postgres | Valkey) -> None:
        self._command, self._log, self._server = command, log, server

    def __enter__(self) -> None:
        with self._log.open("wb") as out:
            self._process = subprocess.Popen(self._command, stdout=out, stderr=out)
        wait_for(self._server.answers, self._command[0], self._log)

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)
