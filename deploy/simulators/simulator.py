"""What every simulator has: an honest record on disk, switches for faults, and a main function.

`GET /records` says what was really done, `GET /faults` and `PUT /faults` show and set the switches,
`GET /health` answers while it lives. A record is on disk before its effect is answered, so that a
kill and a restart forget nothing.
"""

import argparse
import asyncio
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

OWN_PATHS = ("/health", "/records", "/faults")
NEVER_SECONDS = 3600.0
STOP_SECONDS = 0.5


class Simulator:
    """Records and fault switches of one simulator.

    Switches every simulator has: `delay_seconds` before each answer, `fail_rate` (the share of
    requests answered 503 before any effect, 0 to 1), `down` (503 to everything), `silent` (no
    answer, ever, to anything).
    """

    def __init__(self, folder: Path | None, **faults: Any) -> None:
        self.faults: dict[str, Any] = {
            "delay_seconds": 0.0,
            "fail_rate": 0.0,
            "down": False,
            "silent": False,
            **faults,
        }
        self.records: list[dict[str, Any]] = []
        self._file = folder / "records.jsonl" if folder else None
        if self._file:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._load(self._file)

    def record(self, **what: Any) -> dict[str, Any]:
        """Write down what was done."""
        self.write([what])
        return what

    def write(self, records: Sequence[dict[str, Any]]) -> None:
        """Write down what belongs together: a kill leaves all of it or nothing."""
        self.records.extend(records)
        if self._file:
            with self._file.open("a") as file:
                file.write("".join(json.dumps(record) + "\n" for record in records))

    def app(self) -> web.Application:
        """An app with the common routes and faults; the simulator adds its own."""
        app = web.Application(middlewares=[self._faulty])
        app.router.add_get("/health", self._health)
        app.router.add_get("/records", self._shown)
        app.router.add_get("/faults", self._switches)
        app.router.add_put("/faults", self._set)
        return app

    async def hindered(self) -> bool:
        """Wait as the switches say; whether this request is to be refused for now."""
        if self.faults["silent"]:
            await never()
        if self.faults["delay_seconds"]:
            await asyncio.sleep(self.faults["delay_seconds"])
        return bool(self.faults["down"]) or random.random() < self.faults["fail_rate"]

    def _load(self, file: Path) -> None:
        """Read what was written; a last line cut off by a kill was never answered, and goes."""
        if not file.exists():
            return
        whole = [line for line in file.read_text().splitlines(True) if line.endswith("\n")]
        file.write_text("".join(whole))
        self.records = [json.loads(line) for line in whole]

    @web.middleware
    async def _faulty(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path not in OWN_PATHS and await self.hindered():
            return web.json_response({"error": {"message": "down for now"}}, status=503)
        return await handler(request)  # type: ignore[no-any-return]

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "alive", "records": len(self.records)})

    async def _shown(self, request: web.Request) -> web.Response:
        """All records, or only the `last` so many, or those that name what they are `about`."""
        last, about = request.query.get("last", ""), request.query.get("about", "")
        shown = [r for r in self.records if about in json.dumps(r)] if about else self.records
        return web.json_response(shown[-int(last) :] if last.isdecimal() else shown)

    async def _switches(self, _: web.Request) -> web.Response:
        return web.json_response(self.faults)

    async def _set(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        unknown = set(wanted) - set(self.faults)
        if unknown:
            known = ", ".join(sorted(self.faults))
            said = {"error": f"no switch {', '.join(sorted(unknown))}; there are {known}"}
            return web.json_response(said, status=422)
        self.faults.update(wanted)
        return web.json_response(self.faults)


async def never() -> None:
    """Give no answer: whoever waits gives up first, and nothing is done after that."""
    await asyncio.sleep(NEVER_SECONDS)
    raise web.HTTPGatewayTimeout


def serve(what: str, make: Callable[[argparse.Namespace], web.Application]) -> None:
    """Run the simulator `what` on the port the command line names."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--port", type=int, required=True, help="where HTTP answers")
    parser.add_argument("--data", type=Path, help="folder of the record; none: in memory")
    parser.add_argument("--smtp-port", type=int, default=0, help="mail only: where SMTP answers")
    options = parser.parse_args()
    web.run_app(
        make(options),
        host="127.0.0.1",
        port=options.port,
        print=None,
        access_log=None,
        shutdown_timeout=STOP_SECONDS,
        handler_cancellation=True,
    )
