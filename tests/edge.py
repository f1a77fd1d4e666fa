"""Routes of a service as the API has them: really served, or asked in this process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient

from contracts.runtime import problems
from contracts.runtime.settings import settings
from contracts.runtime.tokens import mint
from deploy.local.servers import free_port
from tests.simulators.running import until


@contextmanager
def served(routes: APIRouter) -> Iterator[str]:
    """The address at which `routes` answer while the block lasts."""
    with serving(_edge(routes)) as url:
        yield url


@contextmanager
def serving(edge: FastAPI) -> Iterator[str]:
    """The address at which an app answers while the block lasts."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(edge, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        until(lambda: server.started)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


@contextmanager
def client_of(routes: APIRouter, headers: dict[str, str] | None = None) -> Iterator[TestClient]:
    """A client of these routes within the block, in this process."""
    with TestClient(_edge(routes), headers=headers) as client:
        yield client


def bearer(role: str) -> str:
    """What stands in the Authorization header of somebody in this role."""
    return f"Bearer {mint(settings(), role, 'somebody')}"


def _edge(routes: APIRouter) -> FastAPI:
    edge = FastAPI()
    problems.install(edge)
    edge.include_router(routes)
    return edge
