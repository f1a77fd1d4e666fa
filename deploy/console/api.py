"""How a page asks: the platform's own JSON, in this process, as whoever looks at the page."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import httpx2
from fastapi import FastAPI

JSON_LINES = "application/jsonl"
Query = Mapping[str, Any]


@dataclass(frozen=True)
class Told:
    """What the platform answered: what it said, or the problem why it did not."""

    status: int
    said: Any

    @property
    def ok(self) -> bool:
        """Whether it did what it was asked."""
        return self.status < 400

    @property
    def title(self) -> str:
        """The problem in a few words."""
        return str(self._problem.get("title", f"The platform answered {self.status}"))

    @property
    def detail(self) -> str:
        """What was wrong, and what to do."""
        wrong = [f"{each['at']}: {each['what']}" for each in self._problem.get("errors", ())]
        return "; ".join(wrong) or str(self._problem.get("detail", ""))

    @property
    def _problem(self) -> dict[str, Any]:
        return self.said if isinstance(self.said, dict) else {}


def client_of(app: FastAPI) -> httpx2.AsyncClient:
    """The one client of all pages: it calls `app` without a socket between."""
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://console", timeout=30)


@dataclass
class Api:
    """The platform as one caller may use it; `asked` are the paths this page has read."""

    client: httpx2.AsyncClient
    token: str
    asked: list[str] = field(default_factory=list)

    async def get(self, path: str, **query: Any) -> Told:
        """What stands at a path."""
        whole = path + _asking(query)
        self.asked.append(whole)
        return await self._call("GET", whole)

    async def all(self, **paths: str) -> dict[str, Told]:
        """What stands at several paths, asked at once."""
        told = await asyncio.gather(*(self.get(path) for path in paths.values()))
        return dict(zip(paths, told, strict=True))

    async def post(self, path: str, body: Any = None, **query: Any) -> Told:
        """What came of asking for something."""
        return await self._call("POST", path + _asking(query), body)

    async def put(self, path: str, body: Any) -> Told:
        """What came of setting something."""
        return await self._call("PUT", path, body)

    async def _call(self, method: str, path: str, body: Any = None) -> Told:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = await self.client.request(method, path, json=body, headers=headers)
        return Told(answer.status_code, _read(answer))


def path_of(path: str, **query: Any) -> str:
    """A path with what of the query is set."""
    return path + _asking(query)


def joined(*parts: str) -> str:
    """A path of parts that somebody gave: none of them reaches beyond its place."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def _asking(query: Query) -> str:
    """A query of what is set."""
    chosen = {name: _word(value) for name, value in query.items() if value not in (None, "", False)}
    return f"?{urlencode(chosen)}" if chosen else ""


def _word(value: Any) -> str:
    return "true" if value is True else str(value)


def _read(answer: httpx2.Response) -> Any:
    kind = answer.headers.get("content-type", "")
    if kind.startswith(JSON_LINES):
        return [json.loads(line) for line in answer.text.splitlines()]
    if "json" in kind:
        return answer.json()
    return answer.text
