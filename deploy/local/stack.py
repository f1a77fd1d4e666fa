"""What one embedded stack is: its folder, ports and secrets, and the environment of its processes.

Everything stands in `stack.json` in the folder (readable by its owner alone), so that a stack is
found again by its folder, and several stacks live side by side.
"""

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from contracts.runtime.metrics import FOLDER as METRICS
from deploy import rabbitmq
from deploy.local.brokers import Broker, RabbitMQ, Redis, Valkey
from deploy.local.servers import Postgres, free_port
from deploy.migrate import role_of
from deploy.services import ROOT, services

DEFAULT_FOLDER = ".concerto"
BROKERS = ("valkey", "redis", "rabbitmq", "none")
SCHEMES = ("redis://", "amqp://", "amqps://")
ERLANG_PORTS = ("rabbitmq_admin", "rabbitmq_distribution", "rabbitmq_epmd")
SIMULATORS = ("payment", "carrier", "crm", "push", "mail")
PORTS = ("postgres", "broker", "supervisor", "api", *SIMULATORS, "smtp")
SECRETS = ("postgres", "broker", "supervisor", "payment", "signing", "rabbitmq")
WEBHOOK_SECRETS = ("payment_webhook", "crm", "push")


class NoStack(RuntimeError):
    """There is no stack in this folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"there is no stack in {folder}: start one with concerto up")


class NoBroker(ValueError):
    """The stack cannot run on this broker."""

    def __init__(self, broker: str) -> None:
        super().__init__(
            f"no broker {broker!r}: take valkey (embedded), redis or rabbitmq (the machine's "
            "package), none (one process), or an address: redis://:PASSWORD@HOST:PORT/0, or "
            "amqp://USER:PASSWORD@HOST:PORT/VHOST with its management in CONCERTO_BROKER_ADMIN_URL"
        )


@dataclass
class Stack:
    """One embedded stack."""

    folder: Path
    broker: str = "valkey"
    broker_url: str = ""
    workers: int = 1
    time_scale: float = 1.0
    trivial: bool = False  # a benchmark's: the trivial saga and its one participant alone
    webhooks: bool = True  # the payment simulator reports; a benchmark's does not
    ports: dict[str, int] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "Stack":
        """The stack of `folder`; `NoStack` when there is none."""
        file = folder.resolve() / "stack.json"
        if not file.exists():
            raise NoStack(folder)
        return cls(**{**json.loads(file.read_text()), "folder": folder.resolve()})

    @classmethod
    def of(cls, folder: Path) -> "Stack":
        """The stack of `folder`, a new one where there is none."""
        try:
            return cls.read(folder)
        except NoStack:
            return cls(folder.resolve())

    def save(self) -> None:
        """Fill in what is missing and write it all down."""
        for name in (*PORTS, *ERLANG_PORTS):
            self.ports.setdefault(name, free_port())
        roles = (role_of(service.name) for service in services())
        users = (f"rabbitmq_{user}" for user in _users())
        for name in (*SECRETS, *roles, *users):
            self.secrets.setdefault(name, secrets.token_hex(24))
        for name in WEBHOOK_SECRETS:
            self.secrets.setdefault(name, _webhook_secret())
        for folder in (self.folder, self.log, self.health, self.metrics):
            folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "stack.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps({**asdict(self), "folder": str(self.folder)}, indent=2))

    @property
    def log(self) -> Path:
        """Where every process logs, rotated and bounded."""
        return self.folder / "log"

    @property
    def health(self) -> Path:
        """Where every worker says that it lives."""
        return self.folder / "health"

    @property
    def metrics(self) -> Path:
        """Where every process counts; emptied when the stack starts."""
        return self.folder / "metrics"

    @property
    def traces(self) -> Path:
        """Where spans go without a collector; bounded."""
        return self.log / "traces.jsonl"

    @property
    def url(self) -> str:
        """Where HTTP answers."""
        return f"http://127.0.0.1:{self.ports['api']}"

    @property
    def postgres(self) -> Postgres:
        """The database server."""
        return Postgres(self.folder / "postgres", self.ports["postgres"], self.secrets["postgres"])

    @property
    def server(self) -> Broker | None:
        """The broker that it starts itself, if it does."""
        if self.broker_url or self.broker == "none":
            return None
        folder, port = self.folder / self.broker, self.ports["broker"]
        if self.broker == "rabbitmq":
            return RabbitMQ(folder, port, self.ports, self.secrets)
        kind = Redis if self.broker == "redis" else Valkey
        return kind(folder, port, self.secrets["broker"])

    @property
    def simulators(self) -> dict[str, str]:
        """Where each simulator answers over HTTP."""
        return {name: f"http://127.0.0.1:{self.ports[name]}" for name in SIMULATORS}

    def database(self, service: str) -> str:
        """Where a service connects, as its own role."""
        role = role_of(service)
        password, port = self.secrets[role], self.ports["postgres"]
        return f"postgresql://{role}:{password}@127.0.0.1:{port}/concerto"

    def passwords(self) -> dict[str, str]:
        """The password of every service's role."""
        return {service.name: self.secrets[role_of(service.name)] for service in services()}

    def broker_passwords(self) -> dict[str, str]:
        """The password of every user of a RabbitMQ that the stack starts itself."""
        return {user: self.secrets[f"rabbitmq_{user}"] for user in _users()}

    def environment(self, *names: str, user: str = "") -> dict[str, str]:
        """What a process is told that may use the databases of the services `names`.

        It reaches the broker as `user`, or as the one service it is, or else as the API.
        """
        databases = {f"CONCERTO_{name.upper()}_DATABASE_URL": self.database(name) for name in names}
        as_user = user or (names[0] if len(names) == 1 else rabbitmq.API)
        return {**self._common(), "CONCERTO_BROKER_URL": self.broker_for(as_user), **databases}

    def everything(self) -> dict[str, str]:
        """The environment of what may use every database: the API, and this stack's commands."""
        return self.environment(*(service.name for service in services()))

    def broker_for(self, user: str) -> str:
        """Where `user` (a service, or `admin`) reaches the broker."""
        return self.server.url(user) if self.server else self.broker_url or "none"

    def management_for(self, user: str) -> str:
        """Where `user` reaches the management HTTP of RabbitMQ; empty with another broker."""
        if isinstance(self.server, RabbitMQ):
            return self.server.management_url(user)
        amqp = self.broker_url.startswith("amqp")
        return os.environ.get("CONCERTO_BROKER_ADMIN_URL", "") if amqp else ""

    def _common(self) -> dict[str, str]:
        told = {
            "DIR": self.folder,
            "HEALTH_DIR": self.health,
            "TRACE_FILE": self.traces,
            "INTERNAL_URL": self.url,
            "PORT": self.ports["api"],
            "TIME_SCALE": self.time_scale,
            "SIGNING_KEY": self.secrets["signing"],
            "PAYMENT_URL": self.simulators["payment"],
            "PAYMENT_KEY": f"sk_test_{self.secrets['payment']}",
            "PAYMENT_WEBHOOK_SECRET": self.secrets["payment_webhook"],
            "PAYMENT_WEBHOOK_URL": f"{self.url}/webhooks/payments" if self.webhooks else "",
            "PAYMENT_RETURN_URL": f"{self.url}/console",
            "CARRIER_URL": self.simulators["carrier"],
            "SMTP_URL": f"smtp://127.0.0.1:{self.ports['smtp']}",
            "CRM_URL": f"{self.simulators['crm']}/hooks",
            "CRM_SECRET": self.secrets["crm"],
            "PUSH_URL": f"{self.simulators['push']}/pushes",
            "PUSH_SECRET": self.secrets["push"],
            "SIMULATORS": ",".join(f"{name}={url}" for name, url in self.simulators.items()),
            "WEBHOOK_ALLOW": f"127.0.0.1:{self.ports['crm']},127.0.0.1:{self.ports['push']}",
        }
        given = {n: v for n, v in os.environ.items() if n.startswith("CONCERTO_")}
        return {
            **given,
            **{f"CONCERTO_{name}": str(value) for name, value in told.items()},
            METRICS: str(self.metrics),
            "PYTHONPATH": str(ROOT),
        }


def configured(
    folder: Path, broker: str, port: int = 0, workers: int = 1, time_scale: float = 1.0
) -> Stack:
    """The stack of a folder with these choices; `NoBroker` for a broker it cannot run."""
    stack = Stack.of(folder)
    embedded = broker in BROKERS
    if not embedded and not broker.startswith(SCHEMES):
        raise NoBroker(broker)
    stack.broker = broker if embedded else "url"
    stack.broker_url = "" if embedded else broker
    if broker.startswith("amqp") and not stack.management_for("admin"):
        raise NoBroker(broker)
    stack.workers, stack.time_scale = workers, time_scale
    if port:
        stack.ports["api"] = port
    return stack


def _users() -> list[str]:
    return [*(service.name for service in services()), rabbitmq.API, rabbitmq.KEEPER]


def _webhook_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
