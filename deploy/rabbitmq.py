"""What RabbitMQ is to have for this platform, applied and compared over its management HTTP.

A direct exchange `to.<service>` in front of every service's durable quorum queue; a durable fanout
exchange for every event stream, named by its type, bound to the queue of each subscriber; `dead`
for what was delivered too often, `unrouted` for events nobody is bound to. Limits are policies, so
that they can be changed while queues are in use. Every service has a user of its own, which may
configure nothing, read its own queue and write to just the exchanges its messages go to.
"""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlsplit

from contracts.delivery.outbox import TRAIL
from contracts.delivery.wire.brokers import QUORUM, RECEIVER
from contracts.messages.base import Command, Event, is_public
from contracts.messages.catalogue import messages, type_of
from deploy.services import services

VHOST = "concerto"
DEAD, UNROUTED = "dead", "unrouted"
ORCHESTRATOR, API, KEEPER = "orchestrator", "api", "keeper"
DELIVERIES = 20
QUEUE_BYTES = 2 * 1024**3
Pair = tuple[str, str]


@dataclass(frozen=True)
class Rights:
    """What a user may write to and read from, by exact names; the keeper alone may all."""

    write: frozenset[str] = frozenset()
    read: frozenset[str] = frozenset()

    def permissions(self) -> dict[str, str]:
        """As RabbitMQ takes them: regular expressions."""
        return {"configure": "^$", "write": _exactly(self.write), "read": _exactly(self.read)}


@dataclass(frozen=True)
class Topology:
    """Everything there is to be, given who subscribes to what."""

    subscriptions: frozenset[Pair]

    @cached_property
    def receivers(self) -> tuple[str, ...]:
        """Who has a queue: every service, and the subscribers outside this code."""
        known = {service.name for service in services()}
        return tuple(sorted(known | {subscriber for _, subscriber in self.subscriptions}))

    @cached_property
    def exchanges(self) -> dict[str, str]:
        """Every exchange and its type."""
        streams = [kind for kind, message in messages().items() if is_public(message)]
        return {
            **{RECEIVER.format(name): "direct" for name in self.receivers},
            **dict.fromkeys((*streams, DEAD, UNROUTED), "fanout"),
        }

    @cached_property
    def queues(self) -> tuple[str, ...]:
        """Every queue; all are durable quorum queues."""
        return (*self.receivers, DEAD, UNROUTED)

    @cached_property
    def bindings(self) -> frozenset[tuple[str, str, str]]:
        """(exchange, queue, routing key)."""
        return frozenset(
            {(RECEIVER.format(name), name, name) for name in self.receivers}
            | {(event, subscriber, "") for event, subscriber in self.subscriptions}
            | {(name, name, "") for name in (DEAD, UNROUTED)}
        )

    @cached_property
    def policies(self) -> dict[str, dict[str, Any]]:
        """Limits and what happens beyond them."""
        limits = {
            "delivery-limit": DELIVERIES,
            "dead-letter-exchange": DEAD,
            "dead-letter-strategy": "at-least-once",
            "overflow": "reject-publish",
            "max-length-bytes": QUEUE_BYTES,
        }
        bounded = {"overflow": "reject-publish", "max-length-bytes": QUEUE_BYTES}
        return {
            "receivers": _policy(_exactly(self.receivers), "queues", limits),
            "ends": _policy(_exactly((DEAD, UNROUTED)), "queues", bounded),
            "streams": _policy(r"^concerto\.", "exchanges", {"alternate-exchange": UNROUTED}),
        }

    @cached_property
    def rights(self) -> dict[str, Rights]:
        """What every user may; the API sends commands, and answers what is reported to it."""
        writes = {service.name: _writes(service.name) for service in services()}
        writes[TRAIL] |= {RECEIVER.format(name) for name in self.receivers}
        own = {name: Rights(frozenset(to), frozenset({name})) for name, to in writes.items()}
        outside = set(self.receivers) - set(writes)
        others = {
            name: Rights(frozenset({RECEIVER.format(TRAIL)}), frozenset({name})) for name in outside
        }
        spoken_for = own[ORCHESTRATOR].write | {RECEIVER.format(ORCHESTRATOR)}
        return {**own, **others, API: Rights(spoken_for)}


def _writes(name: str) -> set[str]:
    """The exchanges a service's messages go to: receivers, and the streams of its events."""
    commands = [m for m in messages().values() if issubclass(m, Command)]
    handled = [command for command in commands if command.to == name]
    results = {result for command in handled for result in command.results() if result.public}
    events = {m for m in messages().values() if issubclass(m, Event) and m.by == name}
    to = {TRAIL}
    if handled:
        to.add(ORCHESTRATOR)
    if name == ORCHESTRATOR:
        to |= {command.to for command in commands}
    return {RECEIVER.format(other) for other in to} | {type_of(m) for m in results | events}


class Management:
    """RabbitMQ's management HTTP, on one virtual host; raises `OSError` when it refuses."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._base = f"{parts.scheme}://{parts.hostname}:{parts.port}/api"
        self._vhost = quote(parts.path.strip("/") or VHOST, safe="")
        login = f"{parts.username}:{parts.password}".encode()
        self._headers = {
            "Authorization": f"Basic {base64.b64encode(login).decode()}",
            "Content-Type": "application/json",
        }

    def get(self, what: str, columns: str) -> Any:
        """All exchanges, queues, bindings or policies of the virtual host."""
        return self.call("GET", f"{what}/{self._vhost}?columns={columns}")

    def put(self, what: str, name: str, body: Mapping[str, Any]) -> None:
        """Declare one of them."""
        self.call("PUT", f"{what}/{self._vhost}/{quote(name, safe='')}", body)

    def bind(self, exchange: str, queue: str, key: str) -> None:
        """Bind a queue to an exchange."""
        path = f"bindings/{self._vhost}/e/{quote(exchange, safe='')}/q/{quote(queue, safe='')}"
        self.call("POST", path, {"routing_key": key})

    def users(self) -> set[str]:
        """The names of all users."""
        return {user["name"] for user in self.call("GET", "users?columns=name")}

    def user(self, name: str, password: str, tags: str = "") -> None:
        """Make a user, or give it a new password."""
        self.call("PUT", f"users/{quote(name, safe='')}", {"password": password, "tags": tags})

    def permit(self, name: str, permissions: Mapping[str, str]) -> None:
        """Say what a user may."""
        self.call("PUT", f"permissions/{self._vhost}/{quote(name, safe='')}", permissions)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Any other call; `{vhost}` in the path is the virtual host."""
        data = None if body is None else json.dumps(body).encode()
        url = f"{self._base}/{path.replace('{vhost}', self._vhost)}"
        request = urllib.request.Request(url, data=data, headers=self._headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                said = answer.read()
        except urllib.error.HTTPError as error:
            reason = error.read().decode(errors="replace")[:300]
            raise OSError(f"RabbitMQ refused {method} {path}: {error.code} {reason}") from None
        return json.loads(said) if said else None


def apply(url: str, topology: Topology, passwords: Mapping[str, str]) -> list[str]:
    """Bring a broker to what is to be; what was missing. Who has a user of its own but
    no password here (a subscriber outside this code) gets its rights."""
    management = Management(url)
    restored = restore(management, topology)
    for name, policy in topology.policies.items():
        management.put("policies", name, policy)
    for name, password in passwords.items():
        management.user(name, password, "management" if name == KEEPER else "")
    known = management.users()
    rights = {name: each.permissions() for name, each in topology.rights.items()}
    rights[KEEPER] = dict.fromkeys(("configure", "write", "read"), ".*")
    for name in known & rights.keys():
        management.permit(name, rights[name])
    return restored


def restore(management: Management, topology: Topology) -> list[str]:
    """Declare the exchanges, queues and bindings that are not there; which ones."""
    missing, _ = differences(management, topology)
    for kind, name in missing:
        if kind == "exchange":
            management.put("exchanges", name, {"type": topology.exchanges[name], "durable": True})
        elif kind == "queue":
            management.put("queues", name, {"durable": True, "arguments": QUORUM})
        else:
            management.bind(*name.split(" "))
    return [f"{kind} {name}".strip() for kind, name in missing]


def differences(management: Management, topology: Topology) -> tuple[list[Pair], list[Pair]]:
    """(kind, name) of what is missing, in the order it is declared, and of what nobody declared."""
    wanted = [
        *(("exchange", name) for name in topology.exchanges),
        *(("queue", name) for name in topology.queues),
        *(("binding", " ".join(binding)) for binding in sorted(topology.bindings)),
    ]
    there = [
        *(("exchange", e["name"]) for e in management.get("exchanges", "name") if _own(e["name"])),
        *(("queue", queue["name"]) for queue in management.get("queues", "name")),
        *(
            ("binding", f"{b['source']} {b['destination']} {b['routing_key']}")
            for b in management.get("bindings", "source,destination,routing_key")
            if b["source"]
        ),
    ]
    known, stands = set(wanted), set(there)
    return [each for each in wanted if each not in stands], [e for e in there if e not in known]


def _own(exchange: str) -> bool:
    return bool(exchange) and not exchange.startswith("amq.")


def _exactly(names: Iterable[str]) -> str:
    listed = "|".join(name.replace(".", r"\.") for name in sorted(names))
    return f"^({listed})$" if listed else "^$"


def _policy(pattern: str, applies_to: str, definition: dict[str, Any]) -> dict[str, Any]:
    return {"pattern": pattern, "apply-to": applies_to, "definition": definition, "priority": 1}
