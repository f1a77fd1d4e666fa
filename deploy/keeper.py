"""Keeps a RabbitMQ as it was declared: every few seconds it restores what somebody deleted."""

import threading

import structlog

from contracts.runtime import telemetry
from contracts.runtime.health import Heartbeat
from contracts.runtime.settings import settings
from deploy.rabbitmq import Management, Topology, restore
from deploy.topology import stored

EVERY_SECONDS = 2.0
log = structlog.get_logger()


def main() -> None:
    """Restore until this process is ended."""
    config = settings()
    telemetry.start("keeper", config.log_level)
    management, heartbeat, never = (
        Management(config.broker_admin_url),
        Heartbeat("keeper"),
        threading.Event(),
    )
    while not never.wait(EVERY_SECONDS):
        try:
            for what in restore(management, Topology(stored(config))):
                log.warning("restored", what=what)
            heartbeat.beat()
        except Exception as error:
            log.warning("cannot restore, will try again", reason=str(error)[:300])


if __name__ == "__main__":
    main()
