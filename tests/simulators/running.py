"""A simulator as a process of its own, spoken to over HTTP."""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from deploy.local.servers import free_port, wait_for

T = TypeVar("T")
ANSWER_SECONDS = 5.0
WAIT_SECONDS = 20.0
KEY = "sk_test_simulated"
CRM_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Running:
    """One simulator while the block lasts; its record lies in `folder`."""

    def __init__(self, name: str, folder: Path, *more: str) -> None:
        self.name, self.folder, self._more = name, folder, more
        self.url = ""

    def __enter__(self) -> "Running":
        """Start it on a free port and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        port, log = free_port(), self.folder / "log"
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", f"deploy.simulators.{self.name}", "--port", str(port)]
        command += ["--data", str(self.folder), *self._more]
        secrets = {"CONCERTO_PAYMENT_KEY": KEY, "CONCERTO_CRM_SECRET": CRM_SECRET}
        secrets["CONCERTO_PUSH_SECRET"] = CRM_SECRET
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                command, stdout=out, stderr=out, env={**os.environ, **secrets}
            )
        wait_for(self.answers, self.name, log)
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.process.kill()
        self.process.wait(timeout=10)

    def answers(self) -> bool:
        """Whether it lives."""
        try:
            return self.get("/health")[0] == 200
        except OSError:
            return False

    def get(self, path: str, seconds: float = ANSWER_SECONDS, **headers: str) -> tuple[int, Any]:
        """Status and JSON of a GET."""
        return self._call("GET", path, None, seconds, headers)

    def post(
        self, path: str, body: Any, seconds: float = ANSWER_SECONDS, **headers: str
    ) -> tuple[int, Any]:
        """Status and JSON of a POST: a dict goes as JSON, bytes as a form."""
        return self._call("POST", path, body, seconds, headers)

    def switch(self, **faults: Any) -> None:
        """Set fault switches."""
        status, said = self._call("PUT", "/faults", faults, ANSWER_SECONDS, {})
        assert status == 200, said

    def records(self, **wanted: Any) -> list[dict[str, Any]]:
        """Its honest record, or the part with these values."""
        status, found = self.get("/records")
        assert status == 200
        return [r for r in found if all(r.get(name) == value for name, value in wanted.items())]

    def _call(
        self, method: str, path: str, body: Any, seconds: float, headers: dict[str, str]
    ) -> tuple[int, Any]:
        return call(method, self.url + path, body, seconds, **headers)


def call(
    method: str, url: str, body: Any = None, seconds: float = ANSWER_SECONDS, **headers: str
) -> tuple[int, Any]:
    """Status and JSON of a request; a header is named with `_` for `-`."""
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    request = urllib.request.Request(url, data, said, method=method)
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"null")


def form(**fields: Any) -> bytes:
    """A form body."""
    return urllib.parse.urlencode(fields).encode()


def until(found: Callable[[], T], seconds: float = WAIT_SECONDS) -> T:
    """What `found` returns once that is true; an AssertionError when it takes too long."""
    end = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < end, f"{found} is still {answer!r} after {seconds:g} s"
        threading.Event().wait(0.02)
    return answer
