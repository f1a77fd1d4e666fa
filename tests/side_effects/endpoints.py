"""The endpoints of shops, as somebody calls their routes."""

from dataclasses import dataclass
from typing import Any

from fastapi.testclient import TestClient

from contracts.runtime.settings import settings
from contracts.runtime.tokens import mint


@dataclass
class Shop:
    """The routes, as somebody in this role calls them."""

    client: TestClient

    def call(self, method: str, path: str = "", role: str = "shop", **body: Any) -> Any:
        """The answer to a call under /webhook-endpoints."""
        headers = {"Authorization": f"Bearer {mint(settings(), role, 'somebody')}"}
        return self.client.request(
            method, f"/webhook-endpoints{path}", json=body or None, headers=headers
        )

    def register(self, url: str, *events: str) -> dict[str, Any]:
        """A new endpoint, as it is answered once."""
        wanted: dict[str, Any] = {"events": list(events)} if events else {}
        answer = self.call("POST", url=url, **wanted)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def told(self, endpoint: dict[str, Any]) -> list[dict[str, Any]]:
        """What this endpoint was told, the newest first."""
        found: list[dict[str, Any]] = self.call("GET", f"/{endpoint['id']}/deliveries").json()[
            "deliveries"
        ]
        return found

    def look(self, endpoint: dict[str, Any]) -> dict[str, Any]:
        """The endpoint as it stands."""
        (found,) = [e for e in self.call("GET").json()["endpoints"] if e["id"] == endpoint["id"]]
        return dict(found)


def states(shop: Shop, endpoint: dict[str, Any]) -> list[tuple[str, str]]:
    """Kind and state of what the endpoint was told."""
    return sorted((each["kind"], each["state"]) for each in shop.told(endpoint))
