"""A service's Celery worker, and its consumer, which nothing a stranger sends can end.

The consumer puts *any* body, good or bad, into one argument of the worker's one task `receive`;
`receive` tells good from bad, quarantines what is bad in the service's own database, and handles
the rest. Gossip, mingle, remote control, events and result backends are off: any client of the
broker could stop workers through them.
"""

import os
import threading
from typing import Any, ClassVar
from uuid import uuid4

import structlog
from celery import Celery, signals
from celery.worker.consumer import Consumer as CeleryConsumer
from kombu.serialization import register

from contracts.delivery.due import Host
from contracts.delivery.envelope import repeated
from contracts.delivery.inbox import OUTAGES
from contracts.delivery.quarantine import sift
from contracts.delivery.service import Service
from contracts.delivery.together import Together
from contracts.delivery.wire import brokers
from contracts.delivery.wire.sender import Sender
from contracts.runtime import telemetry
from contracts.runtime.crash import passing
from contracts.runtime.settings import Settings, settings

log = structlog.get_logger()
CARRIED = "application/x-concerto-carried"
ALONE = {"without_mingle": True, "without_gossip": True, "without_heartbeat": True}


def worker(service: Service) -> Celery:
    """The Celery app of a service's worker: `celery -A participants.inventory.worker worker`."""
    config = settings()
    sender = Sender(config)
    host = Host(service, config, sender.send, sender.settle)
    together = Together(host.receive, most=config.batch_messages, at_once=config.worker_threads)
    app = Celery(service.name, set_as_current=False)
    app.conf.update(_configuration(service.name, config))

    @app.task(name="receive")  # type: ignore[untyped-decorator]  # celery carries no types
    def receive(body: str, content_type: str, again: bool) -> None:
        try:
            batch, letters = sift(body, content_type, config)
            if letters:
                host.run(letters.write)
            if batch:
                together.do([repeated(e) for e in batch] if again else batch)
        except OUTAGES as error:
            # Unacknowledged: it comes back when the database does and the worker is restarted.
            log.error("the database is away, this worker ends", reason=str(error)[:300])
            os._exit(1)
        passing("acked")

    signals.setup_logging.connect(
        lambda **_: telemetry.start(service.name, config.log_level), weak=False
    )
    signals.worker_ready.connect(lambda **_: host.start(), weak=False)
    signals.worker_shutdown.connect(lambda **_: host.stop(), weak=False)
    return app


class Consumer(CeleryConsumer):
    """Celery's consumer, without gossip and mingle, that hands any body to the task `receive`."""

    class Blueprint(CeleryConsumer.Blueprint):
        """Celery's steps, but the one that would declare queues for delayed tasks."""

        default_steps: ClassVar[list[str]] = [
            step
            for step in CeleryConsumer.Blueprint.default_steps
            if not step.endswith(":DelayedDelivery")
        ]

    def __init__(self, *args: Any, worker_options: Any = None, **options: Any) -> None:
        self._acknowledging = threading.Lock()
        super().__init__(*args, worker_options={**(worker_options or {}), **ALONE}, **options)

    def call_soon_ack(self, *args: Any, **options: Any) -> Any:
        """Acknowledge from one thread at a time: two would mix their frames on the connection."""
        with self._acknowledging:
            return super().call_soon_ack(*args, **options)

    def create_task_handler(self, *args: Any, **options: Any) -> Any:
        """Wrap Celery's handler: what it gets to see is always a well-formed task message."""
        handle = super().create_task_handler(*args, **options)
        most = settings().message_bytes

        def on_message(message: Any) -> None:
            text = _text(message.body)[: most + 1]
            again = bool((message.delivery_info or {}).get("redelivered"))
            message.body = _carried(text, message.content_type, again)
            message.headers = {"task": "receive", "id": str(uuid4()), "lang": "py"}
            message.content_type, message.content_encoding = CARRIED, "utf-8"
            message.properties = {**(message.properties or {}), "reply_to": None}
            handle(message)

        return on_message


def _configuration(name: str, config: Settings) -> dict[str, Any]:
    return {
        "broker_url": brokers.address(config),
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": brokers.options(name, config),
        "worker_consumer": f"{__name__}:Consumer",
        "worker_pool": "threads",
        "worker_concurrency": config.prefetch_batches,
        "worker_prefetch_multiplier": 1,
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "worker_hijack_root_logger": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "task_queues": [brokers.queue(name, config)],
        "task_default_queue": name,
        "task_acks_late": True,
        "task_acks_on_failure": False,
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        "accept_content": ["carried"],
        "enable_utc": True,
    }


def _carried(text: str, content_type: object, again: bool) -> str:
    """The arguments of `receive` as one text, which costs nothing to take apart again."""
    told = str(content_type or "").replace("\n", " ")
    return f"{again:d}{told}\n{text}"


def _arguments(carried: str) -> tuple[list[Any], dict[str, Any], dict[str, Any]]:
    """What `_carried` made, as Celery calls a task: arguments, keywords, embedded."""
    told, _, text = carried.partition("\n")
    return [text, told[1:], told[0] == "1"], {}, {}


register("carried", None, _arguments, CARRIED, "utf-8")


def _text(body: Any) -> str:
    if isinstance(body, str):
        return body
    return bytes(body or b"").decode("utf-8", errors="replace")
