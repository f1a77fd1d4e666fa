"""What of a request is refused before anybody reads it: a body too large, a NUL in its address."""

from typing import Any

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.runtime import problems


class BodyLimit:
    """ASGI middleware: 413 to a body of more than `most_bytes`, told or streamed; 400 to a NUL,
    which no table can keep, in path or query."""

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self._app, self._most = app, most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, its body counted as it comes."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
            return await problems.answer(_NUL)(scope, receive, send)
        if _told(scope) > self._most:
            return await problems.answer(self._refusal())(scope, receive, send)
        return await self._app(scope, self._counted(receive), send)

    def _counted(self, receive: Receive) -> Receive:
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._most:
                raise HTTPException(413, self._refusal()["title"])
            return message

        return counted

    def _refusal(self) -> dict[str, Any]:
        return problems.too_large(f"Send at most {self._most} bytes, or several smaller batches.")


_NUL = problems.problem(400, "invalid", "The address is not valid", "It contains a NUL.")


def _told(scope: Scope) -> int:
    lengths = [value for name, value in scope["headers"] if name == b"content-length"]
    return max((int(value) for value in lengths if value.isdigit()), default=0)
