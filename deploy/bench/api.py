"""The edge that starts a trivial saga for each order."""

from fastapi import FastAPI

from contracts.delivery.wire import Sender
from contracts.runtime import telemetry
from contracts.runtime.settings import settings
from deploy.api import build, hosts_of
from deploy.bench.trivial import beginning


def app() -> FastAPI:
    """The app of `uvicorn --factory deploy.bench.api:app`."""
    config = settings()
    telemetry.start("api", config.log_level)
    return build(config, hosts_of(config, Sender(config).send), beginning)
