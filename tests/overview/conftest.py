"""The whole platform in this process, and nothing of it runs by itself: tests deliver what waits.

What needs the outside (mails, parcels) is not performed: it stays open and can be looked at.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from contracts.delivery.memory import Memory
from contracts.runtime.settings import Settings, settings
from deploy import topology
from deploy.api import build
from deploy.services import services
from tests.edge import bearer, serving
from tests.participants.bench import SIGNING_KEY, migrated

NUMBERS = count(1)
SKU = "SKU-1"


@dataclass
class Platform:
    """The services in memory, and their HTTP at `url`, which an admin calls."""

    memory: Memory
    client: httpx2.Client
    url: str

    def get(self, path: str, status: int = 200) -> Any:
        """What is answered, which has this status."""
        answer = self.client.get(path)
        assert answer.status_code == status, answer.text
        svg = answer.headers["content-type"].startswith("image/svg")
        return answer.text if svg else answer.json()

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """What is answered to something that is done."""
        answer = self.client.request(method, path, json=body, headers=headers)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def order(self, price: int = 1999, sku: str = SKU) -> str:
        """An order by invoice of two units, brought as far as nobody outside is needed; its id."""
        key = f"key-{next(NUMBERS)}"
        person = {"name": "Ann", "email": "ann@shop.example", "line1": "1 Road", "city": "York"}
        body = {
            "customer_id": f"customer-of-{key}",
            "currency": "GBP",
            "lines": [
                {
                    "sku": sku,
                    "quantity": 2,
                    "unit_price": {"amount": price, "currency": "GBP"},
                }
            ],
            "payment": {"method": "invoice", "token": "none"},
            "ship_to": {**person, "postcode": "YO1", "country": "GB"},
        }
        said = self.call("POST", "/orders", body, **{"Idempotency-Key": key})
        self.memory.settle()
        identity: str = said["id"]
        return identity

    def rows(self, service: str, query: str, **values: Any) -> list[Any]:
        """What a query finds in the schema of a service; nothing for a change."""
        with self.memory.hosts[service].db.transaction() as session:
            found: Any = session.execute(text(query), values)
            return list(found) if found.returns_rows else []


@pytest.fixture(scope="module")
def platform(postgres: str, request: pytest.FixtureRequest) -> Iterator[Platform]:
    """All services on a database of their own, with stock of one SKU."""
    patch = pytest.MonkeyPatch()
    patch.setenv("CONCERTO_SIGNING_KEY", SIGNING_KEY)
    settings.cache_clear()
    name = f"overview_{request.path.stem}"
    config = Settings(database_url=migrated(postgres, name), signing_key=SIGNING_KEY)
    topology.apply(config)
    memory = Memory(config)
    for service in services():
        memory.host(service.load())
    headers = {"Authorization": bearer("admin")}
    edge = build(config, memory.hosts)
    with serving(edge) as url, httpx2.Client(base_url=url, headers=headers) as client:
        client.put(f"/stock/{SKU}", json={"quantity": 1000})
        yield Platform(memory, client, url)
    for host in memory.hosts.values():
        host.db.close()
    patch.undo()
    settings.cache_clear()
