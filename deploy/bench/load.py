"""Submits orders the way shops do: in batches, by many clients at once, or one after the other."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import aiohttp

BATCH = 200
STOCKED = 500
AT_ONCE = 2
CLIENTS = 64
AGAIN_SECONDS = 0.2
LOOK_SECONDS = 0.05


async def in_batches(url: str, token: str, orders: Sequence[dict[str, Any]]) -> list[str]:
    """Their ids; two batches are under way at any time."""
    parts = [orders[at : at + BATCH] for at in range(0, len(orders), BATCH)]
    gate = asyncio.Semaphore(AT_ONCE)
    async with _session(token) as session:
        answers = await asyncio.gather(*(_batch(session, url, part, gate) for part in parts))
    return [order for part in answers for order in part]


async def by_clients(url: str, token: str, orders: Sequence[dict[str, Any]]) -> list[str]:
    """Their ids; each of 64 clients submits its next order when the last one is answered."""
    waiting = list(reversed(orders))
    ids: list[str] = []

    async def client(session: aiohttp.ClientSession) -> None:
        while waiting:
            ids.append(await _one(session, url, waiting.pop()))

    async with _session(token) as session:
        await asyncio.gather(*(client(session) for _ in range(CLIENTS)))
    return ids


async def one_by_one(
    url: str, token: str, orders: Sequence[dict[str, Any]], through: Callable[[], bool]
) -> dict[str, float]:
    """When each was sent (seconds of the clock), by id; the next one waits until all is through."""
    sent = {}
    async with _session(token) as session:
        for order in orders:
            at = time.time()
            identifier = await _one(session, url, order)
            sent[identifier] = at
            while not through():
                await asyncio.sleep(LOOK_SECONDS)
    return sent


async def _batch(
    session: aiohttp.ClientSession,
    url: str,
    part: Sequence[dict[str, Any]],
    gate: asyncio.Semaphore,
) -> list[str]:
    async with gate:
        while True:
            async with session.post(f"{url}/orders:batch", json={"orders": part}) as answer:
                if answer.status == 429:
                    await asyncio.sleep(AGAIN_SECONDS)
                    continue
                answer.raise_for_status()
                return [json.loads(line)["id"] async for line in answer.content]


async def _one(session: aiohttp.ClientSession, url: str, order: dict[str, Any]) -> str:
    body = {name: value for name, value in order.items() if name != "key"}
    headers = {"Idempotency-Key": order["key"]}
    while True:
        async with session.post(f"{url}/orders", json=body, headers=headers) as answer:
            if answer.status == 429:
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            answer.raise_for_status()
            identifier: str = (await answer.json())["id"]
            return identifier


def _session(token: str) -> aiohttp.ClientSession:
    headers = {"Authorization": f"Bearer {token}"}
    connector = aiohttp.TCPConnector(limit=CLIENTS + AT_ONCE)
    return aiohttp.ClientSession(headers=headers, connector=connector)
