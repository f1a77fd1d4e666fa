"""Queues, the worker and the sender: the only module that knows Celery and Kombu.

Everything that travels is a CloudEvents JSON batch in the queue of one service. The worker's
consumer puts *any* body, good or bad, into one argument of the worker's one task `receive`, so that
nothing a stranger sends can end the worker; `receive` tells good from bad, quarantines what is bad
in the service's own database, and handles the rest. Gossip, mingle, remote control, events and
result backends are off: any client of the broker could stop workers through them.
"""

import base64
import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import uuid4

import structlog
from celery import Celery, signals
from celery.worker.consumer import Consumer as CeleryConsumer
from kombu import Connection, Exchange, Queue
from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as kombu_redis
from pydantic_core import from_json

from contracts.delivery.due import Host
from contracts.delivery.envelope import Envelope, encoded
from contracts.delivery.inbox import OUTAGES
from contracts.delivery.quarantine import sift
from contracts.delivery.service import Service
from contracts.messages.catalogue import CONTENT_TYPE, joined
from contracts.runtime import telemetry
from contracts.runtime.crash import passing
from contracts.runtime.settings import Settings, settings

log = structlog.get_logger()
ALONE = {"without_mingle": True, "without_gossip": True, "without_heartbeat": True}


def worker(service: Service) -> Celery:
    """The Celery app of a service's worker: `celery -A participants.inventory.worker worker`."""
    config = settings()
    sender = Sender(config)
    host = Host(service, config, sender.send)
    app = Celery(service.name, set_as_current=False)
    app.conf.update(_configuration(service.name, config))

    @app.task(name="receive")  # type: ignore[untyped-decorator]  # celery carries no types
    def receive(body: str, content_type: str | None) -> None:
        _receive(host, config, body, content_type)

    signals.setup_logging.connect(
        lambda **_: telemetry.start(service.name, config.log_level), weak=False
    )
    signals.worker_ready.connect(lambda **_: host.start(), weak=False)
    signals.worker_shutdown.connect(lambda **_: host.stop(), weak=False)
    return app


class Sender:
    """Publishes batches to the queues of services over one connection, from any thread."""

    def __init__(self, config: Settings) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    def send(self, outgoing: Mapping[str, Sequence[Envelope]]) -> None:
        """Put each destination's messages into its queue; raises when the broker refuses."""
        with self._lock:
            for to, envelopes in outgoing.items():
                for body in bodies(envelopes, self._config):
                    self._publish(to, body)
        passing("published-before-confirm")

    def close(self) -> None:
        """Give back the connection."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            with suppress(Exception):
                connection.release()

    def _publish(self, to: str, body: bytes) -> None:
        try:
            self._producer().publish(
                body,
                exchange="",
                routing_key=to,
                content_type=CONTENT_TYPE,
                content_encoding="utf-8",
                delivery_mode="persistent",
            )
        except Exception:
            # After any publish error nobody knows what the channel still holds: take a new one.
            self._drop()
            raise

    def _producer(self) -> Any:
        if not self._connection:
            self._connection = _connection(self._config)
            self._connection_producer = self._connection.Producer(auto_declare=False)
        return self._connection_producer


def bodies(envelopes: Sequence[Envelope], config: Settings) -> Iterator[bytes]:
    """The envelopes as batches within the limits of messages and bytes."""
    parts: list[bytes] = []
    size = 0
    for envelope in envelopes:
        part = encoded(envelope)
        if parts and (len(parts) == config.batch_messages or size + len(part) > config.batch_bytes):
            yield joined(parts)
            parts, size = [], 0
        parts.append(part)
        size += len(part)
    if parts:
        yield joined(parts)


def ping(config: Settings) -> None:
    """Reach the broker once; raises what the broker raises."""
    with _connection(config) as connection:
        connection.ensure_connection(max_retries=1, timeout=config.publish_seconds)


class Consumer(CeleryConsumer):
    """Celery's consumer, without gossip and mingle, that hands any body to the task `receive`."""

    def __init__(self, *args: Any, worker_options: Any = None, **options: Any) -> None:
        super().__init__(*args, worker_options={**(worker_options or {}), **ALONE}, **options)

    def create_task_handler(self, *args: Any, **options: Any) -> Any:
        """Wrap Celery's handler: what it gets to see is always a well-formed task message."""
        handle = super().create_task_handler(*args, **options)
        most = settings().message_bytes

        def on_message(message: Any) -> None:
            text = _text(message.body)[: most + 1]
            message.body = json.dumps([[text, message.content_type], {}, {}])
            message.headers = {"task": "receive", "id": str(uuid4()), "lang": "py"}
            message.content_type, message.content_encoding = "application/json", "utf-8"
            message.properties = {**(message.properties or {}), "reply_to": None}
            handle(message)

        return on_message


class Channel(kombu_redis.Channel):
    """Kombu's Valkey channel, which survives garbage in the list."""

    def _create_client(self, asynchronous: bool = False) -> Any:
        client = super()._create_client(asynchronous)
        client.set_response_callback("BRPOP", _guarded)
        return client


class Transport(kombu_redis.Transport):
    """Kombu's Valkey transport with the guarded channel."""

    Channel = Channel


TRANSPORT_ALIASES["valkey"] = f"{__name__}:Transport"


def _receive(host: Host, config: Settings, body: str, content_type: str | None) -> None:
    batch, letters = sift(body, content_type, config)
    try:
        if letters:
            host.run(letters.write)
        if batch:
            host.receive(batch)
    except OUTAGES as error:
        # Unacknowledged: the batch comes back when the database does and the worker is restarted.
        log.error("the database is away, this worker ends", reason=str(error)[:300])
        os._exit(1)
    passing("acked")


def _configuration(name: str, config: Settings) -> dict[str, Any]:
    return {
        "broker_url": _address(config),
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": _options(name, config),
        "worker_consumer": f"{__name__}:Consumer",
        "worker_pool": "threads",
        "worker_concurrency": config.worker_threads,
        "worker_prefetch_multiplier": max(1, config.prefetch_batches // config.worker_threads),
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "worker_hijack_root_logger": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "task_queues": [Queue(name, Exchange(""), routing_key=name)],
        "task_default_queue": name,
        "task_acks_late": True,
        "task_acks_on_failure": False,
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        "accept_content": ["json"],
        "enable_utc": True,
    }


def _options(name: str, config: Settings) -> dict[str, Any]:
    return {
        "visibility_timeout": config.visibility_seconds,
        "unacked_restore_interval": 5,
        "unacked_key": f"{name}.unacked",
        "unacked_index_key": f"{name}.unacked_index",
        "unacked_mutex_key": f"{name}.unacked_mutex",
        "priority_steps": [0],
        "socket_timeout": config.publish_seconds,
        "socket_connect_timeout": config.publish_seconds,
        "socket_keepalive": True,
    }


def _connection(config: Settings) -> Connection:
    return Connection(
        _address(config),
        connect_timeout=config.publish_seconds,
        transport_options=_options("sender", config),
    )


def _address(config: Settings) -> str:
    address = config.broker_url
    if address.startswith("redis://"):
        return "valkey://" + address.removeprefix("redis://")
    return address


def _text(body: Any) -> str:
    if isinstance(body, str):
        return body
    return bytes(body or b"").decode("utf-8", errors="replace")


def _guarded(response: Any) -> Any:
    """What BRPOP answered, with anything that is no message of Kombu's wrapped into one."""
    if not response or _well_formed(response[1]):
        return response
    return [response[0], json.dumps(_wrapped(response[1])).encode()]


def _well_formed(item: bytes) -> bool:
    try:
        message = from_json(item)
        properties = message["properties"]
        base64.b64decode(message["body"], validate=True)
        return (
            isinstance(properties["delivery_tag"], str)
            and isinstance(properties["delivery_info"], dict)
            and properties.get("body_encoding") == "base64"
            and isinstance(message.get("headers"), dict)
        )
    except (ValueError, TypeError, KeyError, IndexError):
        return False


def _wrapped(item: bytes) -> dict[str, Any]:
    return {
        "body": base64.b64encode(item).decode(),
        "content-type": "application/octet-stream",
        "content-encoding": "binary",
        "headers": {},
        "properties": {
            "delivery_tag": str(uuid4()),
            "delivery_info": {"exchange": "", "routing_key": ""},
            "body_encoding": "base64",
        },
    }
