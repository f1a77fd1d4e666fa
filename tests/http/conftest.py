"""The whole API, really served over HTTP on a real database; what it sends goes nowhere."""

import threading
from collections.abc import Iterator

import pytest
import uvicorn

from contracts.delivery.memory import Memory
from contracts.runtime.settings import Settings, settings
from deploy.api import build
from deploy.local.servers import free_port
from deploy.services import services
from tests.participants.bench import SIGNING_KEY, migrated
from tests.simulators.running import until


@pytest.fixture(scope="session")
def api(postgres: str) -> Iterator[str]:
    """The address at which the API answers."""
    patch = pytest.MonkeyPatch()
    patch.setenv("CONCERTO_SIGNING_KEY", SIGNING_KEY)
    settings.cache_clear()
    config = Settings(database_url=migrated(postgres, "edge"))
    memory = Memory(config)
    for service in services():
        memory.host(service.load())
    port = free_port()
    edge = build(config, memory.hosts)
    server = uvicorn.Server(uvicorn.Config(edge, port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=10)
    patch.undo()
    settings.cache_clear()
