"""A carrier: takes parcels over HTTP, once for each idempotency key.

The postcode chooses the fate: `SIM-REFUSE` is refused for good, `SIM-REFUSE-ONCE` at the first
attempt, `SIM-TIMEOUT` is taken and the first answer never comes. A refusal is repeated under its
key; another key is another attempt.
"""

import argparse
from typing import Any

from aiohttp import web

from deploy.simulators.simulator import Simulator, never, serve

ADDRESS = ("name", "line1", "city", "postcode", "country")


class Carrier:
    """Shipments and refusals by idempotency key; only shipments are on the record."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._taken = {record["key"]: record for record in simulator.records}
        self._refused: dict[str, str] = {}
        self._attempts: dict[str, set[str]] = {}

    def app(self) -> web.Application:
        """The carrier's routes."""
        app = self._simulator.app()
        app.router.add_get("/rates", self.rates)
        app.router.add_post("/shipments", self.ship)
        app.router.add_get("/shipments", self.found)
        return app

    async def rates(self, _: web.Request) -> web.Response:
        """What a parcel costs, in minor units, and how long it takes."""
        rate = {"service": "standard", "amount": 499, "currency": "GBP", "days": 3}
        return web.json_response([rate])

    async def ship(self, request: web.Request) -> web.Response:
        """Take parcels: {"reference", "name", "line1", "city", "postcode", "country", "parcels"}"""
        body, key = await request.json(), request.headers.get("Idempotency-Key")
        missing = [name for name in ("reference", *ADDRESS) if name not in body]
        if missing or not key:
            return _wrong(400, f"missing: {', '.join(missing) or 'Idempotency-Key'}")
        if key in self._taken:
            return web.json_response(_shown(self._taken[key]))
        attempts = self._attempts.setdefault(body["reference"], set())
        attempts.add(key)
        if reason := self._refusal(key, body["postcode"], len(attempts)):
            self._refused[key] = reason
            return _wrong(422, reason)
        return await self._take(key, body, len(attempts))

    async def found(self, request: web.Request) -> web.Response:
        """The shipments with this reference."""
        wanted = request.query.get("reference")
        found = [_shown(r) for r in self._taken.values() if r["reference"] == wanted]
        return web.json_response(found)

    async def _take(self, key: str, body: dict[str, Any], attempt: int) -> web.Response:
        self._taken[key] = self._simulator.record(
            key=key,
            reference=body["reference"],
            tracking=f"TRK{len(self._taken) + 1:08d}",
            country=body["country"],
            parcels=body.get("parcels", 1),
        )
        if body["postcode"] == "SIM-TIMEOUT" and attempt == 1:
            await never()
        return web.json_response(_shown(self._taken[key]), status=201)

    def _refusal(self, key: str, postcode: str, attempt: int) -> str:
        if postcode == "SIM-REFUSE" or (postcode == "SIM-REFUSE-ONCE" and attempt == 1):
            return f"we do not deliver to {postcode}"
        return self._refused.get(key, "")


def _shown(record: dict[str, Any]) -> dict[str, Any]:
    return {name: record[name] for name in ("reference", "tracking")}


def _wrong(status: int, error: str) -> web.Response:
    return web.json_response({"error": error}, status=status)


def make(options: argparse.Namespace) -> web.Application:
    """The carrier's app."""
    return Carrier(Simulator(options.data)).app()


if __name__ == "__main__":
    serve("A carrier", make)
