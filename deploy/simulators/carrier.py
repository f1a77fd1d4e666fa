"""A carrier: takes parcels over HTTP, once for each idempotency key.

The postcode chooses the fate: `SIM-REFUSE` is refused for good, `SIM-REFUSE-ONCE` the first time,
`SIM-TIMEOUT` is taken and the first answer never comes.
"""

import argparse
import asyncio
from typing import Any

from aiohttp import web

from deploy.simulators.simulator import NEVER_SECONDS, Simulator, serve


class Carrier:
    """Shipments by idempotency key."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._taken = {record["key"]: record for record in simulator.records}
        self._tries: dict[str, int] = {}

    def app(self) -> web.Application:
        """The carrier's routes."""
        app = self._simulator.app()
        app.router.add_get("/rates", self.rates)
        app.router.add_post("/shipments", self.ship)
        app.router.add_get("/shipments", self.found)
        return app

    async def rates(self, _: web.Request) -> web.Response:
        """What a parcel costs and how long it takes."""
        return web.json_response([{"service": "standard", "amount": 499, "days": 3}])

    async def ship(self, request: web.Request) -> web.Response:
        """Take a parcel: {"reference", "name", "line1", "city", "postcode", "country"}."""
        body, key = await request.json(), request.headers["Idempotency-Key"]
        tries = self._tries[body["reference"]] = self._tries.get(body["reference"], 0) + 1
        postcode = body["postcode"]
        if key in self._taken:
            return web.json_response(_shown(self._taken[key]))
        if postcode == "SIM-REFUSE" or (postcode == "SIM-REFUSE-ONCE" and tries == 1):
            return web.json_response({"error": f"we do not deliver to {postcode}"}, status=422)
        tracking = f"TRK{len(self._taken) + 1:08d}"
        self._taken[key] = self._simulator.record(
            key=key, reference=body["reference"], tracking=tracking, country=body["country"]
        )
        if postcode == "SIM-TIMEOUT" and tries == 1:
            await asyncio.sleep(NEVER_SECONDS)
        return web.json_response(_shown(self._taken[key]), status=201)

    async def found(self, request: web.Request) -> web.Response:
        """The shipments with this reference."""
        wanted = request.query.get("reference")
        found = [_shown(r) for r in self._taken.values() if r["reference"] == wanted]
        return web.json_response(found)


def _shown(record: dict[str, Any]) -> dict[str, Any]:
    return {name: record[name] for name in ("reference", "tracking")}


def make(options: argparse.Namespace) -> web.Application:
    """The carrier's app."""
    return Carrier(Simulator(options.data)).app()


if __name__ == "__main__":
    serve("A carrier", make)
