"""A platform spoken to over HTTP, as any user would; its problems become one exception."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

TEXTS = ("text/html", "image/svg+xml")


class Refused(Exception):
    """The command cannot do that; the text says what to do instead."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


class Answered(Refused):
    """The platform refused with an HTTP status; `after_seconds` is its Retry-After, if any."""

    def __init__(self, text: str, status: int, after_seconds: float | None) -> None:
        super().__init__(text)
        self.status, self.after_seconds = status, after_seconds


class Unreachable(Refused):
    """Nobody answers at the platform's address."""


@dataclass
class Platform:
    """A platform's HTTP, and a token for it."""

    url: str
    token: str

    def get(self, path: str) -> Any:
        """What the platform answers."""
        return self.call("GET", path)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Call the platform; `Refused` tells its problem."""
        request = urllib.request.Request(
            self.url + path,
            data=json.dumps(body).encode() if body is not None else None,
            method=method,
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                **headers,
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return _read(answer)
        except urllib.error.HTTPError as error:
            raise Answered(_problem(error), error.code, _after(error)) from None
        except (OSError, HTTPException) as error:
            raise Unreachable(f"{self.url} cannot be reached ({error}): is it up?") from None


def _read(answer: Any) -> Any:
    body = answer.read().decode()
    if answer.headers.get_content_type() == "application/jsonl":
        return [json.loads(line) for line in body.splitlines()]
    if answer.headers.get_content_type() in TEXTS:
        return body
    return json.loads(body) if body else None


def _after(error: urllib.error.HTTPError) -> float | None:
    told = error.headers.get("Retry-After", "")
    return float(told) if told.isdecimal() else None


def _problem(error: urllib.error.HTTPError) -> str:
    try:
        said = json.load(error)
    except ValueError:
        return f"HTTP {error.code}"
    wrong = "; ".join(f"{e['at']}: {e['what']}" for e in said.get("errors", ()))
    return ". ".join(part for part in (said.get("title"), said.get("detail"), wrong) if part)
