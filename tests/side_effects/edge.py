"""The routes of a subscriber, asked as the API is asked."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient
from pydantic import SecretStr

from contracts.runtime import access
from contracts.runtime.settings import Settings
from contracts.runtime.tokens import mint
from tests.edge import client_of
from tests.participants.bench import SIGNING_KEY

CONFIG = Settings(signing_key=SecretStr(SIGNING_KEY))


@contextmanager
def asked(routes: APIRouter, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A client of these routes, in the role of an operator unless it says otherwise."""
    monkeypatch.setattr(access, "settings", lambda: CONFIG)
    with client_of(routes, headers=bearer("operator")) as client:
        yield client


def bearer(role: str, subject: str = "tests") -> dict[str, str]:
    """The headers of a caller in this role."""
    return {"Authorization": f"Bearer {mint(CONFIG, role, subject)}"}
