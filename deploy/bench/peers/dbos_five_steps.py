"""Five durable steps on DBOS: workflows awaited directly in one process, so many at once."""

import asyncio
import json
import sys
import time

from dbos import DBOS

COUNT, AT_ONCE, DATABASE = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]


@DBOS.step()
async def nothing(number: int) -> int:
    """Do nothing."""
    return number


@DBOS.workflow()
async def five_steps(number: int) -> int:
    """Five durable steps."""
    for _ in range(5):
        await nothing(number)
    return number


async def run(count: int) -> list[float]:
    """Run so many, AT_ONCE at a time; the milliseconds of each."""
    room, taken = asyncio.Semaphore(AT_ONCE), []

    async def one(number: int) -> None:
        async with room:
            began = time.monotonic()
            await five_steps(number)
            taken.append(1000 * (time.monotonic() - began))

    await asyncio.gather(*(one(number) for number in range(count)))
    return taken


async def main() -> None:
    """Warm up, say so, run when told, say what came of it, and end when told."""
    await run(40)
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.monotonic()
    taken = await run(COUNT)
    print(json.dumps({"seconds": time.monotonic() - began, "taken_ms": taken}), flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    DBOS(config={"name": "five-steps", "system_database_url": DATABASE, "log_level": "ERROR"})
    DBOS.launch()
    asyncio.run(main())
    DBOS.destroy()
