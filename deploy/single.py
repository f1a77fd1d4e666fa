"""The whole platform in one process, over memory delivery: `concerto up --broker none`.

The same services, tables and guarantees; only the carrying differs.
"""

import os

import uvicorn

from contracts.delivery.memory import Memory
from contracts.runtime import telemetry
from contracts.runtime.health import Heartbeat
from contracts.runtime.settings import settings
from deploy.api import build
from deploy.services import services


def main() -> None:
    """Serve HTTP on 127.0.0.1:$CONCERTO_PORT and run every service in threads beside it."""
    config = settings()
    telemetry.start("single", config.log_level)
    memory = Memory(config)
    for service in services():
        memory.host(service.load())
    edge = build(config, memory.hosts)
    memory.start()
    heartbeat = Heartbeat("single")
    heartbeat.beat()
    try:
        uvicorn.run(edge, host="127.0.0.1", port=int(os.environ["CONCERTO_PORT"]), log_config=None)
    finally:
        memory.stop()
        heartbeat.end()


if __name__ == "__main__":
    main()
