"""How a broker is reached: its address, its transport's options, a service's queue."""

from typing import Any

from kombu import Connection, Exchange, Queue
from kombu.transport import TRANSPORT_ALIASES

from contracts.runtime.settings import Settings

RECEIVER = "to.{}"  # the direct exchange in front of a service's queue, on RabbitMQ
QUORUM = {"x-queue-type": "quorum"}
TRANSPORT_ALIASES["valkey"] = "contracts.delivery.wire.valkey:Transport"


def connection(config: Settings) -> Connection:
    """A connection for sending."""
    return Connection(
        address(config),
        connect_timeout=config.publish_seconds,
        transport_options=options("sender", config),
    )


def queue(name: str, config: Settings) -> Queue:
    """The queue of a service; on RabbitMQ `topology apply` has declared it."""
    if config.broker_fans_out:
        return Queue(name, no_declare=True, queue_arguments=QUORUM)
    return Queue(name, Exchange(""), routing_key=name)


def address(config: Settings) -> str:
    """The broker's address as Kombu knows it: Redis and Valkey through the guarded transport."""
    given = config.broker_url
    if given.startswith("redis://"):
        return "valkey://" + given.removeprefix("redis://")
    return given


def options(name: str, config: Settings) -> dict[str, Any]:
    """The transport's options of the process `name`."""
    if config.broker_fans_out:
        seconds = config.publish_seconds
        return {"read_timeout": None, "write_timeout": seconds, "connect_timeout": seconds}
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
