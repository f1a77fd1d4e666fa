"""Five durable steps on absurd: four connections that spawn and four workers, in one process."""

import asyncio
import json
import sys
import time
from typing import Any

import psycopg
from absurd_sdk import AsyncAbsurd
from absurdctl import BUNDLED_SCHEMA_SQL

COUNT, AT_ONCE, DATABASE = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
CONNECTIONS = 4
WITHIN_SECONDS = 300.0
OPEN = "SELECT count(*) FROM absurd.t_default WHERE state NOT IN ('completed', 'failed')"
FAILED = "SELECT count(*) FROM absurd.t_default WHERE state <> 'completed'"
TAKEN = (
    "SELECT extract(epoch FROM r.completed_at - t.enqueue_at) * 1000 FROM absurd.t_default t "
    "JOIN absurd.r_default r ON r.task_id = t.task_id WHERE t.task_name = 'five-steps' "
    "ORDER BY t.enqueue_at DESC LIMIT %s"
)


async def nothing() -> int:
    """Do nothing."""
    return 0


async def five_steps(params: Any, ctx: Any) -> int:
    """Five durable steps."""
    for number in range(5):
        await ctx.step(f"step {number}", nothing)
    return 0


async def run(clients: list[Any], database: Any, count: int) -> None:
    """Spawn so many and wait until all have ended."""

    async def spawn(client: Any) -> None:
        for _ in range(count // CONNECTIONS):
            await client.spawn("five-steps", {})

    await asyncio.gather(*(spawn(client) for client in clients))
    until = time.monotonic() + WITHIN_SECONDS
    while (await (await database.execute(OPEN)).fetchone())[0]:
        if time.monotonic() > until:
            raise TimeoutError("not everything ended")
        await asyncio.sleep(0.05)
    if (await (await database.execute(FAILED)).fetchone())[0]:
        raise RuntimeError("some tasks failed")


def made() -> Any:
    """A client that knows the task."""
    client = AsyncAbsurd(DATABASE)
    client.register_task(name="five-steps")(five_steps)
    return client


async def main() -> None:
    """Warm up, say so, run when told, say what came of it, and end when told."""
    database = await psycopg.AsyncConnection.connect(DATABASE, autocommit=True)
    await database.execute(BUNDLED_SCHEMA_SQL)
    clients, workers = [made() for _ in range(CONNECTIONS)], [made() for _ in range(CONNECTIONS)]
    await clients[0].create_queue("default")
    each = AT_ONCE // CONNECTIONS
    working = [
        asyncio.create_task(w.start_worker(str(n), concurrency=each, poll_interval=0.02))
        for n, w in enumerate(workers)
    ]
    await run(clients, database, 40)
    print("ready", flush=True)
    sys.stdin.readline()
    began, count = time.monotonic(), COUNT // CONNECTIONS * CONNECTIONS
    await run(clients, database, count)
    seconds = time.monotonic() - began
    taken = [float(row[0]) for row in await (await database.execute(TAKEN, (count,))).fetchall()]
    print(json.dumps({"seconds": seconds, "taken_ms": taken}), flush=True)
    sys.stdin.readline()
    for task in working:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(main())
