"""Counts HTTP requests by the template of their route, so that ids in paths make no new series."""

from time import perf_counter
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.runtime import metrics

UNKNOWN = "unknown"  # nothing is at this path; whoever asks must not be able to make series
METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


class Counted:
    """ASGI middleware: counts each request when its answer begins; a stream may go on for long."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and see how it is answered."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        began = perf_counter()

        async def seen(message: Message) -> None:
            if message["type"] == "http.response.start":
                _count(scope, message["status"], perf_counter() - began)
            await send(message)

        await self._app(scope, receive, seen)


def _count(scope: Scope, status: int, seconds: float) -> None:
    route: Any = scope.get("route")
    path = getattr(route, "path", UNKNOWN)
    method = scope["method"] if scope["method"] in METHODS else UNKNOWN
    metrics.requests.labels(path, method, f"{status // 100}xx").inc()
    metrics.request_seconds.labels(path, method).observe(seconds)
