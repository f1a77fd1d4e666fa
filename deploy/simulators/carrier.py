"""Several carriers: each takes parcels over HTTP, once for each idempotency key, and moves them on.

The postcode chooses the fate: `SIM-REFUSE` is refused for good, `SIM-REFUSE-ONCE` at the first
attempt, `SIM-TIMEOUT` is taken and the first answer never comes; `SIM-NEVER` is taken and never
picked up, `SIM-LOST` picked up and never delivered. A refusal is repeated under its key; another
key is another attempt.
"""

import argparse
import asyncio
import time
from typing import Any, Literal

from aiohttp import web

from contracts.runtime.settings import settings
from deploy.simulators.simulator import Simulator, never, serve

STANDARD = "standard"
RATES = {STANDARD: (499, 3), "royal": (299, 4), "swift": (899, 1)}  # amount, days
ADDRESS = ("name", "line1", "city", "postcode", "country")
NUMBERS_MOST = 500
JSON = "application/json"
Status = Literal["taken", "shipped", "delivered", "lost"]


class Carriers:
    """What all carriers have taken, by carrier and key; only shipments are on the record.

    Switches of each carrier: `royal_down` (503 to everything), `royal_slow_seconds` (what was done
    is answered so late), `royal_refuse` (422 to rates and parcels); of all: `picked_up_seconds` and
    `delivered_seconds` after a parcel was taken, 0 for at once.
    """

    def __init__(self, simulator: Simulator, time_scale: float = 1.0) -> None:
        self._simulator, self._time_scale = simulator, time_scale
        self._taken = {(_carrier(r), r["key"]): r for r in simulator.records}
        self._by_number = {r["tracking"]: r for r in simulator.records}
        self._refused: dict[tuple[str, str], str] = {}
        self._attempts: dict[tuple[str, str], set[str]] = {}

    def app(self) -> web.Application:
        """The carriers' routes; without a name they are those of `standard`."""
        app = self._simulator.app()
        for prefix in ("", "/{carrier}"):
            app.router.add_get(f"{prefix}/rates", self.rates)
            app.router.add_post(f"{prefix}/shipments", self.ship)
            app.router.add_get(f"{prefix}/shipments", self.found)
            app.router.add_get(f"{prefix}/tracking", self.tracked)
        return app

    async def rates(self, request: web.Request) -> web.Response:
        """What a parcel costs, in minor units, and how long it takes."""
        carrier = self._up(request)
        await self._slow(carrier)
        if self._switch(carrier, "refuse"):
            return _wrong(422, f"{carrier} takes nothing for now")
        amount, days = RATES[carrier]
        rate = {"service": carrier, "amount": amount, "currency": "GBP", "days": days}
        return web.json_response([rate])

    async def ship(self, request: web.Request) -> web.Response:
        """Take parcels: {"reference", "name", "line1", "city", "postcode", "country", "parcels"}"""
        carrier = self._up(request)
        body, key = await request.json(), request.headers.get("Idempotency-Key")
        missing = [name for name in ("reference", *ADDRESS) if name not in body]
        if missing or not key:
            return _wrong(400, f"missing: {', '.join(missing) or 'Idempotency-Key'}")
        if (carrier, key) in self._taken:
            return web.json_response(_shown(self._taken[carrier, key]))
        attempts = self._attempts.setdefault((carrier, body["reference"]), set())
        attempts.add(key)
        if reason := self._refusal(carrier, key, body["postcode"], len(attempts)):
            self._refused[carrier, key] = reason
            return _wrong(422, reason)
        return await self._take(carrier, key, body, len(attempts))

    async def found(self, request: web.Request) -> web.Response:
        """The shipments with this reference."""
        carrier, wanted = self._up(request), request.query.get("reference")
        found = [
            _shown(record)
            for (of, _), record in self._taken.items()
            if of == carrier and record["reference"] == wanted
        ]
        return web.json_response(found)

    async def tracked(self, request: web.Request) -> web.Response:
        """Where the parcels with these numbers (by comma) are; unknown ones are left out."""
        carrier, numbers = self._up(request), request.query.get("numbers", "").split(",")
        if len(numbers) > NUMBERS_MOST:
            return _wrong(413, f"ask for at most {NUMBERS_MOST} parcels at once")
        known = (self._by_number[number] for number in numbers if number in self._by_number)
        mine = [record for record in known if _carrier(record) == carrier]
        told = [{"tracking": r["tracking"], "status": self._status(r)} for r in mine]
        return web.json_response(told)

    async def _take(
        self, carrier: str, key: str, body: dict[str, Any], attempt: int
    ) -> web.Response:
        record = self._simulator.record(
            key=key,
            carrier=carrier,
            reference=body["reference"],
            tracking=f"TRK{len(self._taken) + 1:08d}",
            country=body["country"],
            parcels=body.get("parcels", 1),
            fate=body["postcode"] if body["postcode"].startswith("SIM-") else "",
            at=time.time(),
        )
        self._taken[carrier, key] = self._by_number[record["tracking"]] = record
        if body["postcode"] == "SIM-TIMEOUT" and attempt == 1:
            await never()
        await self._slow(carrier)
        return web.json_response(_shown(record), status=201)

    def _refusal(self, carrier: str, key: str, postcode: str, attempt: int) -> str:
        if self._switch(carrier, "refuse"):
            return f"{carrier} takes nothing for now"
        if postcode == "SIM-REFUSE" or (postcode == "SIM-REFUSE-ONCE" and attempt == 1):
            return f"we do not deliver to {postcode}"
        return self._refused.get((carrier, key), "")

    def _status(self, record: dict[str, Any]) -> Status:
        """How far the parcel has come since it was taken, as the switches and its fate say."""
        age = time.time() - record.get("at", 0.0)
        picked_up, delivered = (
            age >= self._simulator.faults[f"{move}_seconds"] * self._time_scale
            for move in ("picked_up", "delivered")
        )
        fate = record.get("fate", "")
        if fate == "SIM-NEVER" or not (picked_up or delivered):
            return "taken"
        if not delivered:
            return "shipped"
        return "lost" if fate == "SIM-LOST" else "delivered"

    def _up(self, request: web.Request) -> str:
        """The carrier that is asked, while there is one and it is up."""
        carrier = request.match_info.get("carrier", STANDARD)
        if carrier not in RATES:
            raise web.HTTPNotFound(text='{"error": "there is no such carrier"}', content_type=JSON)
        if self._switch(carrier, "down"):
            raise web.HTTPServiceUnavailable(text='{"error": "down for now"}', content_type=JSON)
        return carrier

    async def _slow(self, carrier: str) -> None:
        if seconds := self._switch(carrier, "slow_seconds"):
            await asyncio.sleep(seconds)

    def _switch(self, carrier: str, name: str) -> Any:
        return self._simulator.faults[f"{carrier}_{name}"]


def switches() -> dict[str, Any]:
    """The switches of the carriers, as they are at the start."""
    each: dict[str, Any] = {"down": False, "slow_seconds": 0.0, "refuse": False}
    own = {f"{carrier}_{name}": value for carrier in RATES for name, value in each.items()}
    return {**own, "picked_up_seconds": 1.0, "delivered_seconds": 3.0}


def _carrier(record: dict[str, Any]) -> str:
    return str(record.get("carrier", STANDARD))


def _shown(record: dict[str, Any]) -> dict[str, Any]:
    return {name: record[name] for name in ("reference", "tracking")}


def _wrong(status: int, error: str) -> web.Response:
    return web.json_response({"error": error}, status=status)


def make(options: argparse.Namespace) -> web.Application:
    """The carriers' app."""
    simulator = Simulator(options.data, **switches())
    return Carriers(simulator, settings().time_scale).app()


if __name__ == "__main__":
    serve("Several carriers", make)
