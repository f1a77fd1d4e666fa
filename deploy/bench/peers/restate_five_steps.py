"""Five durable steps on Restate: a service under hypercorn, called through the ingress."""

import asyncio
import json
import sys
import time

import aiohttp
import restate
from hypercorn.asyncio import serve
from hypercorn.config import Config

COUNT, AT_ONCE = int(sys.argv[1]), int(sys.argv[2])
INGRESS, ADMIN, OWN = sys.argv[3], sys.argv[4], sys.argv[5]
service = restate.Service("FiveSteps")


async def nothing() -> int:
    """Do nothing."""
    return 0


@service.handler()
async def run_steps(ctx: restate.Context, number: int) -> int:
    """Five durable steps."""
    for step in range(5):
        await ctx.run_typed(f"step {step}", nothing)
    return number


async def run(http: aiohttp.ClientSession, count: int) -> list[float]:
    """Call so many, AT_ONCE at a time; the milliseconds of each."""
    room, taken = asyncio.Semaphore(AT_ONCE), []

    async def one(number: int) -> None:
        async with room:
            began = time.monotonic()
            async with http.post(f"{INGRESS}/FiveSteps/run_steps", json=number) as answer:
                answer.raise_for_status()
                await answer.read()
            taken.append(1000 * (time.monotonic() - began))

    await asyncio.gather(*(one(number) for number in range(count)))
    return taken


async def _listening(address: str) -> None:
    """Wait until the service takes connections."""
    host, port = address.removeprefix("http://").split(":")
    while True:
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except ConnectionRefusedError:
            await asyncio.sleep(0.02)
        else:
            return writer.close()


async def main() -> None:
    """Serve, register, warm up, say so, run when told, say what came of it, end when told."""
    config, ended = Config(), asyncio.Event()
    config.bind, config.loglevel = [OWN.removeprefix("http://")], "ERROR"
    serving = asyncio.create_task(
        serve(restate.app([service]), config, shutdown_trigger=ended.wait)
    )
    await _listening(OWN)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=AT_ONCE)) as http:
        async with http.post(f"{ADMIN}/deployments", json={"uri": OWN}) as answer:
            answer.raise_for_status()
        await run(http, 40)
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        began = time.monotonic()
        taken = await run(http, COUNT)
        print(json.dumps({"seconds": time.monotonic() - began, "taken_ms": taken}), flush=True)
        await asyncio.to_thread(sys.stdin.readline)
    ended.set()
    await serving


if __name__ == "__main__":
    asyncio.run(main())
