"""What every simulator has: an honest record on disk, switches for faults, and a main function.

`GET /records` says what was really done, `GET /faults` and `PUT /faults` show and set the switches,
`GET /health` answers while it lives. A record is on disk before its effect is answered, so that a
kill and a restart forget nothing.
"""

import argparse
import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

NEVER_SECONDS = 3600.0


class Simulator:
    """Records and fault switches of one simulator.

    Switches every simulator has: `delay_seconds` before each answer, `down` (503 to everything),
    `silent` (no answer, ever, to anything).
    """

    def __init__(self, folder: Path | None, **faults: Any) -> None:
        self.faults: dict[str, Any] = {
            "delay_seconds": 0.0,
            "down": False,
            "silent": False,
            **faults,
        }
        self.records: list[dict[str, Any]] = []
        self._file = folder / "records.jsonl" if folder else None
        if self._file:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._load()

    def record(self, **what: Any) -> dict[str, Any]:
        """Write down what was done."""
        self.records.append(what)
        if self._file:
            with self._file.open("a") as file:
                file.write(json.dumps(what) + "\n")
        return what

    def app(self) -> web.Application:
        """An app with the common routes and faults; the simulator adds its own."""
        app = web.Application(middlewares=[self._faulty])
        app.router.add_get("/health", self._health)
        app.router.add_get("/records", self._shown)
        app.router.add_get("/faults", self._switches)
        app.router.add_put("/faults", self._set)
        return app

    def _load(self) -> None:
        assert self._file
        if self._file.exists():
            lines = self._file.read_text().splitlines()
            self.records = [json.loads(line) for line in lines if line.endswith("}")]

    @web.middleware
    async def _faulty(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path in ("/health", "/records", "/faults"):
            return await handler(request)  # type: ignore[no-any-return]
        if self.faults["silent"]:
            await asyncio.sleep(NEVER_SECONDS)
        if self.faults["delay_seconds"]:
            await asyncio.sleep(self.faults["delay_seconds"])
        if self.faults["down"]:
            return web.json_response({"error": {"message": "down"}}, status=503)
        return await handler(request)  # type: ignore[no-any-return]

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def _shown(self, _: web.Request) -> web.Response:
        return web.json_response(self.records)

    async def _switches(self, _: web.Request) -> web.Response:
        return web.json_response(self.faults)

    async def _set(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        unknown = set(wanted) - set(self.faults)
        if unknown:
            known = ", ".join(sorted(self.faults))
            return web.json_response(
                {"error": f"no switch {unknown}; there are {known}"}, status=422
            )
        self.faults.update(wanted)
        return web.json_response(self.faults)


def serve(what: str, make: Callable[[argparse.Namespace], web.Application]) -> None:
    """Run the simulator `what` on the port the command line names."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, help="folder of the record; none: in memory")
    parser.add_argument("--smtp-port", type=int, default=0, help="mail only: where SMTP answers")
    options = parser.parse_args()
    web.run_app(make(options), host="127.0.0.1", port=options.port, print=None, access_log=None)
