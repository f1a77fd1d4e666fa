"""The whole API, really served over HTTP on a real database; what it sends goes nowhere."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import uvicorn

from contracts.delivery.due import Host
from contracts.delivery.memory import Memory
from contracts.runtime.settings import Settings, settings
from deploy.api import build
from deploy.local.servers import free_port
from deploy.services import services
from orchestrator.shell import audit
from orchestrator.shell.audit import AUDIT
from tests.http.people import Ordered, Person
from tests.participants.bench import SIGNING_KEY, migrated
from tests.simulators.running import until


@dataclass(frozen=True)
class Edge:
    """The API: its address, and the orchestrator behind it."""

    url: str
    host: Host


@pytest.fixture(scope="session")
def api(edge: Edge) -> str:
    """The address at which the API answers."""
    return edge.url


@pytest.fixture(scope="session")
def edge(postgres: str) -> Iterator[Edge]:
    """The API, and the orchestrator behind it."""
    patch = pytest.MonkeyPatch()
    patch.setenv("CONCERTO_SIGNING_KEY", SIGNING_KEY)
    settings.cache_clear()
    config = Settings(database_url=migrated(postgres, "edge"))
    memory = Memory(config)
    for service in services():
        memory.host(service.load())
    port = free_port()
    app = build(config, memory.hosts)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    yield Edge(f"http://127.0.0.1:{port}", memory.hosts["orchestrator"])
    server.should_exit = True
    thread.join(timeout=10)
    patch.undo()
    settings.cache_clear()


@pytest.fixture
def olga(edge: Edge) -> Iterator[Person]:
    """An operator; whatever was done, the chain of audit rows holds afterwards."""
    yield Person(edge.url, "olga", "operator")
    with edge.host.db.transaction() as session:
        rows = session.execute(AUDIT.select().order_by(AUDIT.c.number)).mappings()
        assert audit.broken(dict(row) for row in rows) == []


@pytest.fixture
def order(edge: Edge) -> Ordered:
    """An order that is being created."""
    return Ordered.begun(edge.host)
