"""Somebody at the console, without a browser: their cookie, the pages and forms they get."""

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import urlencode

import httpx2

from contracts.runtime.access import COOKIE
from contracts.runtime.settings import settings
from contracts.runtime.tokens import mint

FORM = "application/x-www-form-urlencoded"


@dataclass
class Visitor:
    """Somebody in a role at the console of this API."""

    api: str
    role: str = "operator"
    name: str = "vera"
    cookie: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def signed_in(self) -> "Visitor":
        """The same, with a session."""
        answer = self.post("/console/login", token=mint(settings(), self.role, self.name))
        assert answer.status_code == 303, answer.text
        return self

    def get(self, path: str) -> httpx2.Response:
        """The page at a path."""
        return self._call("GET", path)

    def post(self, path: str, **fields: Any) -> httpx2.Response:
        """What a form is answered with, as a browser sends it from the same site."""
        told = {"Origin": self.api, "Content-Type": FORM, **self.headers}
        return self._call("POST", path, urlencode(fields, doseq=True), told)

    def form_token(self) -> str:
        """What the forms of this session carry."""
        found = re.search(r'name="form_token" value="([0-9a-f]+)"', self.get("/console").text)
        assert found
        return found.group(1)

    def done(self, answer: httpx2.Response) -> str:
        """What the page says to which a form's answer leads."""
        assert answer.status_code == 303, answer.text
        return text_of(self.get(answer.headers["location"]).text)

    def _call(
        self, method: str, path: str, body: str = "", headers: dict[str, str] | None = None
    ) -> httpx2.Response:
        told = dict(headers or {})
        if self.cookie:
            told["Cookie"] = f"{COOKIE}={self.cookie}"
        with httpx2.Client(base_url=self.api, timeout=30) as client:
            answer = client.request(method, path, content=body, headers=told)
        kept = re.match(rf'{COOKIE}="?([^;"]*)', answer.headers.get("set-cookie", ""))
        self.cookie = kept.group(1) if kept else self.cookie
        return answer


def text_of(page: str) -> str:
    """What is read on a page."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())
